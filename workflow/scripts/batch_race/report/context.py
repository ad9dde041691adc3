"""What a chart shows besides its table."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Context(NamedTuple):
    """What a chart shows besides its table.

    Attributes
    ----------
    title : str
        Of the experiment; empty on the page, which has it as its own title.
    clock : {"training", "wall"}
        Of the budget.
    targets : mapping of str to sequence of float
        Training losses in nats (`loss`) and test accuracies in percent (`accuracy`).
    """

    title: str
    clock: str
    targets: Mapping[str, Sequence[float]]
