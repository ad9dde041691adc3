"""The fit and its forecasts as text."""

import pytest

from batch_race.report import forecast_message
from batch_race.report.numbers import number
from tests.unit.analyze.sweeps import forecasts, law


def test_a_paragraph_has_the_law_the_step_time_and_the_forecasts():
    lines = forecast_message.write(forecasts(law)).splitlines()
    assert lines[0].startswith(
        "To loss 1 on mnist: steps = S_min (1 + B_crit / batch size), S_min 100 ["
    )
    assert "; the largest error is a factor of 1, at batch size " in lines[0]
    assert lines[1] == (
        "  In brackets: 95 % intervals, simultaneous for this paragraph, if the law holds."
    )
    assert lines[2].startswith("  Whether a step's time depends on the learning rate is not known")
    assert lines[3].startswith(
        "  1 worker, no communication: batch 4,096 [4,096, 4,096] (the largest considered), 0.0102"
    )
    assert "8 workers, 1000 µs of communication per step: batch " in lines[6]


def test_an_open_interval_is_named():
    (found,) = forecasts(lambda size: 50_000 / size * (1.02 if size % 3 else 0.97))
    text = forecast_message.write([found])
    assert f"S_min {number(found['s_min'])} […, " in text
    assert "The batch sizes tried do not bracket B_crit." in text


@pytest.mark.parametrize(
    ("p_value", "text"),
    [
        (0.2, ", which is not significant (p = 0.2)."),
        (0.004, ", which is significant (p = 0.004)."),
        (None, ", of unknown significance with one seed."),
    ],
)
def test_the_significance_of_the_step_time_is_named(p_value, text):
    effect = {"factor": 1.234, "batch_size": 32, "p_value": p_value}
    (found,) = forecasts(law)
    line = forecast_message.write([found | {"step_time": effect}]).splitlines()[2]
    assert line == (
        "  A step's time differs between learning rates by at most a factor of 1.23 (batch 32)"
        + text
    )


def test_a_target_met_by_the_initial_weights_is_no_race():
    assert forecast_message.write(forecasts(law, target=2.5)) == (
        "No forecast for loss 2.5 on mnist: the initial weights meet the target (14 runs).\n"
    )


def test_a_bad_fit_has_no_forecast():
    text = forecast_message.write(forecasts(lambda size: 100 + abs(size - 64)))
    assert text.endswith(" The fit is bad, so there is no forecast.\n")


def test_targets_that_too_few_batch_sizes_reached_share_a_line():
    sizes = [1, 4, 16]
    few = [found for target in (1.0, 0.5) for found in forecasts(law, sizes=sizes, target=target)]
    line = (
        "No forecast for loss 1 and loss 0.5 on mnist: fewer than 4 batch sizes reached the "
        "target.\n"
    )
    assert forecast_message.write(few) == line
    # It comes after what there is.
    text = forecast_message.write([few[0], *forecasts(law, target=0.2), few[1]])
    assert text.startswith("To loss 0.2 on mnist: steps = ")
    assert text.endswith("\n\n" + line)


def test_without_a_target_there_is_nothing_to_forecast():
    assert forecast_message.write([]).startswith("No target is configured")
