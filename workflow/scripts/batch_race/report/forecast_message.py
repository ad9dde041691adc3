"""The fit of steps against batch size, and its forecasts, as text."""

from collections.abc import Mapping, Sequence
from typing import Any

from batch_race.analyze.law import FEWEST
from batch_race.analyze.targets import describe_target
from batch_race.report.groups import describe_group, varying_between
from batch_race.report.numbers import interval, number


def write(found: Sequence[Mapping[str, Any]]) -> str:
    """Return fits and forecasts as text.

    Parameters
    ----------
    found : sequence of mapping
        As `forecast.forecast` gives them.

    Returns
    -------
    str
        A paragraph for each comparison group and target.
    """
    if not found:
        return "No target is configured (targets), so there is nothing to forecast.\n"
    varying = varying_between(found)
    return "\n\n".join(_paragraph(each, varying) for each in found) + "\n"


def _paragraph(found: Mapping[str, Any], varying: Sequence[str]) -> str:
    to = f"To {describe_target(found)} on {describe_group(found, varying)}: "
    if found["initial"]:
        return f"{to}no race, the initial weights meet it ({found['initial']} runs)."
    if found["verdict"] == "too few":
        return (
            f"{to}{len(found['points'])} batch sizes reached it, too few to fit the steps against "
            f"the batch size ({FEWEST} are needed)."
        )
    s_min, b_crit = (
        number(found[name]) + interval(found[f"{name}_low"], found[f"{name}_high"])
        for name in ("s_min", "b_crit")
    )
    text = (
        f"{to}steps = S_min (1 + B_crit / batch size), S_min {s_min}, B_crit {b_crit}; the largest "
        f"error is a factor of {number(found['worst_factor'])}, at batch size "
        f"{found['worst_batch_size']}."
    )
    if found["verdict"] == "bad":
        return text + " The fit is bad, so there is no forecast."
    if found["verdict"] == "open":
        text += " The batch sizes tried do not bracket B_crit."
    lines = [text, _INTERVALS, _step_time(found["step_time"])]
    return "\n".join([*lines, *(_forecast(each) for each in found["forecasts"])])


_INTERVALS = "  In brackets: 95 % intervals, simultaneous for this paragraph, if the law holds."


def _step_time(effect: Mapping[str, Any] | None) -> str:
    if effect is None:
        return (
            "  Whether a step's time depends on the learning rate is not known: the test needs two "
            "learning rates for a batch size, with runs neither contended nor diverged."
        )
    factor = f"at most a factor of {effect['factor']:.3g} (batch {effect['batch_size']})"
    if effect["p_value"] is None:
        significance = "of unknown significance with one seed"
    elif effect["p_value"] < 0.05:
        significance = f"which is significant (p = {effect['p_value']:.2g})"
    else:
        significance = f"which is not significant (p = {effect['p_value']:.2g})"
    return f"  A step's time differs between learning rates by {factor}, {significance}."


def _forecast(forecast: Mapping[str, Any]) -> str:
    cost = forecast["communication_seconds"]
    communication = f"{cost * 1e6:g} µs of communication per step" if cost else "no communication"
    workers = f"{forecast['workers']} worker" + ("s" if forecast["workers"] > 1 else "")
    size = "{batch_size} [{batch_size_low}, {batch_size_high}]".format(**forecast)
    if forecast["end"]:
        size += f" (the {forecast['end']} considered)"
    seconds = number(forecast["seconds"])
    seconds += interval(forecast["seconds_low"], forecast["seconds_high"])
    return f"  {workers}, {communication}: batch {size}, {seconds} s"
