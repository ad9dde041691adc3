"""What a round reads of a run's crossings."""

import pytest

from batch_race.analyze import outcomes
from batch_race.store import crossings
from nn.targets import Crossing, Target
from tests.unit.store.test_crossings import BATCHES, EVALUATIONS, READINGS


@pytest.mark.parametrize("clock", ["training", "wall"])
def test_targets_are_reached_missed_or_missed_as_far_as_is_known(clock):
    found = {
        Target("loss", 0.5): Crossing(5, 4, "grid"),
        Target("loss", 0.2): Crossing(None, None, "grid"),
        Target("accuracy", 95): Crossing(None, 5, "evaluations"),
    }
    table = crossings.tabulate(found, EVALUATIONS, READINGS, BATCHES)
    targets = {"loss": [0.1, 0.2, 0.5], "accuracy": [95]}  # one that was not looked for, too
    (reached, _, missed) = table.to_dicts()
    assert outcomes.times(table, targets, clock) == (
        {2: reached[f"{clock}_seconds"]},
        {2: 5},
        {3: missed[f"{clock}_seconds_low"]},
    )
