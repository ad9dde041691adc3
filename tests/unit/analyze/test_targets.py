"""Targets as text."""

import pytest

from batch_race.analyze.targets import describe_target


@pytest.mark.parametrize(
    ("target", "value", "text"), [("loss", 0.2, "loss 0.2"), ("accuracy", 97.0, "accuracy 97 %")]
)
def test_a_target_is_named_with_its_unit(target, value, text):
    assert describe_target({"target": target, "target_value": value}) == text
