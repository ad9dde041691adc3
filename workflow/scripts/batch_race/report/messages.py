"""Results in plain words."""

from collections.abc import Sequence
from typing import Any

from batch_race.analyze.comparison import Answer
from batch_race.analyze.law import FEWEST
from batch_race.analyze.measures import SETTING

_UNITS = {"loss": "", "accuracy": " %"}

_NAMED = 8
"""Batch sizes in one clause; the rest are counted. (answer.json and the table have them all.)"""


def answer(answers: Sequence[Answer]) -> str:
    """Put a comparison into words.

    Parameters
    ----------
    answers : sequence of dict
        As `comparison.compare` gives them.

    Returns
    -------
    str
        A line for each target and setting, and one for each reservation.
    """
    if not answers:
        return "No target is configured (targets), so there is nothing to answer.\n"
    telling = telling_keys(answers)
    lines = [_sentence(each, telling) for each in answers]
    lines += _reservations(answers, telling)
    return "\n".join(lines) + "\n"


def law(found: Sequence[dict[str, Any]]) -> str:
    """Put the law of steps and batch size into words, with what it foretells.

    Parameters
    ----------
    found : sequence of dict
        As `scaling.foretell` gives them.

    Returns
    -------
    str
        A paragraph for each target and setting.
    """
    if not found:
        return "No target is configured (targets), so there is nothing to foretell.\n"
    telling = telling_keys(found)
    return "\n\n".join(_law(each, telling) for each in found) + "\n"


def telling_keys(settings: Sequence[dict[str, Any]]) -> list[str]:
    """List what tells settings apart, the dataset left out, which is always named."""
    return [
        key
        for key in SETTING
        if key not in ("dataset", "training_images") and len({each[key] for each in settings}) > 1
    ]


def where(setting: dict[str, Any], telling: Sequence[str]) -> str:
    """Name a setting: its dataset and what tells it apart."""
    others = "".join(f", {key} {setting[key]}" for key in telling)
    return f"{setting['dataset']}{others}"


def goal(asked: dict[str, Any]) -> str:
    """Name a target, as `loss 0.2` or `accuracy 97 %`."""
    return f"{asked['target']} {asked['target_value']:g}{_UNITS[asked['target']]}"


def number(value: float) -> str:
    """Write a number with three digits, or all of those before the point."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def within(low: float | None, high: float | None, number_of_runs: int) -> str:
    """Write an interval; an end that is beyond what was measured stays open."""
    if number_of_runs == 1:
        return ""
    ends = ["…" if end is None else number(end) for end in (low, high)]
    return f" [{ends[0]}, {ends[1]}]"


def bracket(low: float, high: float) -> str:
    """Write a number that is known to lie between two, as one where they read the same."""
    ends = dict.fromkeys((number(low), number(high)))
    return "–".join(ends)


def _sentence(asked: Answer, telling: Sequence[str]) -> str:
    to = f"To {goal(asked)} on {where(asked, telling)}: "
    if asked["initial"]:
        return f"{to}no race, the initial weights meet it ({asked['initial']} runs)."
    clauses = _ranked(asked["ranking"]) if asked["ranking"] else [_unreached(asked)]
    if asked["ranking"] and asked["missed"]:
        clauses.append(f"batch {_batches(asked['missed'])} did not reach it")
    if asked["diverged"] and asked["nearest"]:
        clauses.append(f"batch {_batches(asked['diverged'])} diverged")
    if asked["unknown"]:
        reach = "reaches" if len(asked["unknown"]) == 1 else "reach"
        clauses.append(
            f"whether batch {_batches(asked['unknown'])} {reach} it is unknown: a target of the "
            "budget ended runs, or they were not asked"
        )
    return to + "; ".join(clauses) + "."


def _ranked(ranking: Sequence[dict[str, Any]]) -> list[str]:
    first, *others = ranking
    size, rate = first["batch_size"], first["learning_rate"]
    clauses = [f"batch {size} at learning rate {rate:g}, {_seconds(first)}"]
    alike = [each for each in others if each["verdict"] == "not distinguishable"]
    rest = [each for each in others if each["verdict"] != "not distinguishable"]
    clauses += [
        f"batch {each['batch_size']} is not distinguishable ({_seconds(each)})"
        for each in alike[:_NAMED]
    ]
    if len(alike) > _NAMED:
        clauses.append(f"{len(alike) - _NAMED} more are not distinguishable")
    clauses += [_behind(each) for each in rest[:1]]
    slower = [each["batch_size"] for each in rest[1:] if each["verdict"] == "slower"]
    if slower:
        clauses.append(f"batch {_batches(slower)} {'is' if len(slower) == 1 else 'are'} slower too")
    return clauses


def _batches(sizes: Sequence[int]) -> str:
    return _listed(list(map(str, sizes)))


def _listed(names: Sequence[str]) -> str:
    beyond = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {beyond} more" if beyond > 0 else "")


def _law(found: dict[str, Any], telling: Sequence[str]) -> str:
    to = f"To {goal(found)} on {where(found, telling)}: "
    if found["initial"]:
        return f"{to}no race, the initial weights meet it ({found['initial']} runs)."
    if found["verdict"] == "too few":
        return (
            f"{to}{len(found['points'])} batch sizes reached it, too few to fit the steps against "
            f"the batch size ({FEWEST} are needed)."
        )
    s_min, b_crit = (
        number(found[name]) + within(found[f"{name}_low"], found[f"{name}_high"], 2)
        for name in ("s_min", "b_crit")
    )
    off = (
        f"off by a factor of {number(found['worst_factor'])} at the worst, at batch size "
        f"{found['worst_batch_size']}"
    )
    text = to + f"steps = S_min (1 + B_crit / batch size), S_min {s_min}, B_crit {b_crit}; {off}."
    if found["verdict"] == "bad":
        return text + " That is no good fit, so nothing is foretold from it."
    if found["verdict"] == "open":
        text += " The batch sizes tried do not bracket B_crit."
    lines = [text, _BRACKETS, _step_time(found["step_time"])]
    return "\n".join([*lines, *(_forecast(each) for each in found["forecasts"])])


_BRACKETS = "  In brackets: 95 % for all of this paragraph at once, if the law holds."


def _step_time(effect: dict[str, Any] | None) -> str:
    if effect is None:
        return (
            "  Whether a step's time depends on the learning rate is not known: that takes two of "
            "them for a batch size, with runs neither contended nor diverged."
        )
    factor = f"a factor of {effect['factor']:.3g} at the most (batch {effect['batch_size']})"
    if effect["p_value"] is None:
        compared = "whether by chance is not known with one seed"
    elif effect["p_value"] < 0.05:
        compared = f"which is more than chance (p = {effect['p_value']:.2g})"
    else:
        compared = f"which may be chance (p = {effect['p_value']:.2g})"
    return f"  A step's time differs between learning rates by {factor}, {compared}."


def _forecast(forecast: dict[str, Any]) -> str:
    cost = forecast["communication_seconds"]
    cost_in_words = f"{cost * 1e6:g} µs of communication a step" if cost else "no communication"
    workers = f"{forecast['workers']} worker" + ("s" if forecast["workers"] > 1 else "")
    size = "{batch_size} [{batch_size_low}, {batch_size_high}]".format(**forecast)
    if forecast["end"]:
        size += f" (the {forecast['end']} considered)"
    time = number(forecast["seconds"]) + within(
        forecast["seconds_low"], forecast["seconds_high"], 2
    )
    return f"  {workers}, {cost_in_words}: batch {size}, {time} s"


def _unreached(asked: Answer) -> str:
    nearest = asked["nearest"]
    if nearest is None:
        return "all runs diverged"
    return (
        f"no batch size reached it; batch {nearest['batch_size']} at learning rate "
        f"{nearest['learning_rate']:g} came nearest, {number(nearest['value'])}"
        f"{_UNITS[asked['target']]}"
    )


def _behind(other: dict[str, Any]) -> str:
    if other["ratio"] is None:
        return f"then batch {other['batch_size']}, {_seconds(other)}"
    ratio = number(other["ratio"])
    ratio += within(other["ratio_low"], other["ratio_high"], other["seeds"])
    at_least = "at least " if other["reached"] < other["runs"] else ""
    return f"batch {other['batch_size']} took {at_least}{ratio} times as long ({_seconds(other)})"


def _seconds(entry: dict[str, Any]) -> str:
    text = bracket(entry["seconds_after"], entry["seconds"]) + " s"
    text += within(entry["seconds_low"], entry["seconds_high"], entry["runs"])
    missed = entry["runs"] - entry["reached"] - entry["diverged"]
    counts = {"runs missed it": missed}
    counts |= {"diverged": entry["diverged"], "contended": entry["contended"]}
    marks = [f", {count} of {entry['runs']} {mark}" for mark, count in counts.items() if count]
    return text + "".join(marks)


def _brackets(ranked: Sequence[Answer]) -> list[str]:
    """Name the intervals that `_sentence` shows."""
    entries = [each for asked in ranked for each in asked["ranking"]]
    kinds = dict.fromkeys(each["seconds_interval"] for each in entries if each["seconds_interval"])
    if not kinds:
        return []
    line = f"In brackets: after seconds, {' or '.join(kinds)}"
    ratios = [each["ratio_interval"] for each in entries if each.get("verdict") == "slower"]
    return [line + (f"; after a ratio, {ratios[0]}." if ratios else ".")]


def _reservations(answers: Sequence[Answer], telling: Sequence[str]) -> list[str]:
    ranked = [each for each in answers if each["ranking"]]
    compared = [each for each in ranked if len(each["ranking"]) > 1]
    lines = _brackets(ranked)
    scattered = sorted({asked["machine"] for asked in answers if asked["elsewhere"]})
    if scattered:
        lines.append(
            "Not all runs were made on one type of machine, and times are only compared within "
            f"each: what is said of {'; '.join(scattered)} leaves out the runs that only others "
            "made. Ask the batch system for one type (docs/scaling.md)."
        )
    lines += _not_compared(compared)
    if any(len(each["learning_rates"]) == 1 for asked in compared for each in asked["ranking"]):
        lines.append(
            "Where a batch size had one learning rate, it may have a better one: give a list of "
            "rates."
        )
    at_the_edge: dict[str, None] = {}  # an ordered set
    for asked in ranked:
        for each in asked["ranking"]:
            rates = each["learning_rates"]
            if len(rates) > 1 and each["learning_rate"] in (rates[0], rates[-1]):
                place = "".join(f", {key} {asked[key]}" for key in telling)
                at_the_edge[f"batch {each['batch_size']} ({each['learning_rate']:g}{place})"] = None
    if at_the_edge:
        lines.append(
            "At the end of the learning rates tried, so perhaps not at their best: "
            f"{_listed(list(at_the_edge))}."
        )
    return lines


def _not_compared(answers: Sequence[Answer]) -> list[str]:
    unknown = [
        each for asked in answers for each in asked["ranking"][1:] if each["verdict"] == "unknown"
    ]
    lines = []
    if any(each["seeds"] == 1 for each in unknown):
        lines.append(
            "With one seed nothing tells a difference from chance: raise `repeats` to find out."
        )
    others = dict.fromkeys(f"batch {each['batch_size']}" for each in unknown if not each["seeds"])
    if others:
        lines.append(
            f"Not compared with the first: {_listed(list(others))}. That takes the same seeds of "
            "each learning rate of both, not ended by a target of the budget."
        )
    return lines
