"""Targets of loss and accuracy as text."""

from collections.abc import Mapping
from typing import Any

UNITS = {"loss": "", "accuracy": " %"}


def describe_target(asked: Mapping[str, Any]) -> str:
    """Return a target as text: `loss 0.2` or `accuracy 97 %`.

    Parameters
    ----------
    asked : mapping
        With `target` and `target_value`.
    """
    return f"{asked['target']} {asked['target_value']:g}{UNITS[asked['target']]}"
