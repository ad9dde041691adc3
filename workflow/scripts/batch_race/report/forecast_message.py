"""The fit of steps against batch size, and its forecasts, as text."""

from collections.abc import Mapping, Sequence
from typing import Any

from batch_race import batch_sizes
from batch_race.analyze.law import FEWEST
from batch_race.analyze.targets import describe_target
from batch_race.report.groups import describe_group, listed, varying_between
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
        A paragraph for each comparison group and target that has a fit, and a line for those of a
        comparison group that have none for the same reason.
    """
    if not found:
        return "No target is configured (targets), so there is nothing to forecast.\n"
    varying = varying_between(found)
    paragraphs = []
    without: dict[tuple[str, str], list[str]] = {}
    for each in found:
        group = describe_group(each, varying)
        if reason := _reason_for_none(each):
            without.setdefault((group, reason), []).append(describe_target(each))
        else:
            paragraphs.append(_paragraph(each, f"To {describe_target(each)} on {group}: "))
    lines = [
        f"No forecast for {listed(targets)} on {group}: {reason}."
        for (group, reason), targets in without.items()
    ]
    return "\n\n".join([*paragraphs, *(["\n".join(lines)] if lines else [])]) + "\n"


def _reason_for_none(found: Mapping[str, Any]) -> str:
    """Return why the steps to a target have no fit; empty if they have one."""
    if found["initial"]:
        return f"the initial weights meet the target ({found['initial']} runs)"
    if found["verdict"] == "too few":
        return f"fewer than {FEWEST} batch sizes reached the target"
    return ""


def _paragraph(found: Mapping[str, Any], to: str) -> str:
    s_min, b_crit = (
        number(found[name]) + interval(found[f"{name}_low"], found[f"{name}_high"])
        for name in ("s_min", "b_crit")
    )
    images = found["training_images"]
    text = (
        f"{to}steps = S_min (1 + B_crit / batch size), S_min {s_min}, B_crit {b_crit}; the largest "
        f"error is a factor of {number(found['worst_factor'])}, at batch size "
        f"{batch_sizes.describe(found['worst_batch_size'], images)}."
    )
    if found["verdict"] == "bad":
        return text + " The fit is bad, so there is no forecast."
    if found["verdict"] == "open":
        text += " The batch sizes tried do not bracket B_crit."
    lines = [text, _INTERVALS, _step_time(found["step_time"], images)]
    return "\n".join([*lines, *(_forecast(each, images) for each in found["forecasts"])])


_INTERVALS = "  In brackets: 95 % intervals, simultaneous for this paragraph, if the law holds."


def _step_time(effect: Mapping[str, Any] | None, images: int) -> str:
    if effect is None:
        return (
            "  Whether a step's time depends on the learning rate is not known: the test needs two "
            "learning rates for a batch size, with runs neither contended nor diverged."
        )
    batch_size = batch_sizes.describe(effect["batch_size"], images)
    factor = f"at most a factor of {effect['factor']:.3g} (batch {batch_size})"
    if effect["p_value"] is None:
        significance = "of unknown significance with one seed"
    elif effect["p_value"] < 0.05:
        significance = f"which is significant (p = {effect['p_value']:.2g})"
    else:
        significance = f"which is not significant (p = {effect['p_value']:.2g})"
    return f"  A step's time differs between learning rates by {factor}, {significance}."


def _forecast(forecast: Mapping[str, Any], images: int) -> str:
    cost = forecast["communication_seconds"]
    communication = f"{cost * 1e6:g} µs of communication per step" if cost else "no communication"
    workers = f"{forecast['workers']} worker" + ("s" if forecast["workers"] > 1 else "")
    size = batch_sizes.describe(forecast["batch_size"], images)
    size += interval(forecast["batch_size_low"], forecast["batch_size_high"])
    if forecast["end"]:
        size += f" (the {forecast['end']} considered)"
    seconds = number(forecast["seconds"])
    seconds += interval(forecast["seconds_low"], forecast["seconds_high"])
    return f"  {workers}, {communication}: batch {size}, {seconds} s"
