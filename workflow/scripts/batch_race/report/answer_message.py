"""The answer of the comparison as text."""

from collections.abc import Mapping, Sequence
from typing import Any

from batch_race.analyze.comparison import Answer
from batch_race.analyze.targets import UNITS, describe_target
from batch_race.hyperparameters import REGISTRY, with_role
from batch_race.report.groups import describe_group, describe_values, varying_between
from batch_race.report.numbers import bracket, interval, number

_NAMED = 8
"""Batch sizes named in one clause; the rest are counted (answer.json and the table have all)."""


def write(answers: Sequence[Answer], given: str, factor: float | None = None) -> str:
    """Return the answer as text.

    Parameters
    ----------
    answers : sequence of dict
        As `comparison.compare` gives them.
    given : str
        What each run was given; see `runs.given`.
    factor : float, optional
        That of the pruning.

    Returns
    -------
    str
        A line for what was given, for each comparison group and target, and for each caveat.
    """
    if not answers:
        return "No target is configured (targets), so there is nothing to answer.\n"
    varying = varying_between(answers)
    lines = [f"Each run was given {given}."]
    lines += [_sentence(each, varying, factor) for each in answers]
    lines += _caveats(answers, varying, factor)
    return "\n".join(lines) + "\n"


def _sentence(asked: Answer, varying: Sequence[str], factor: float | None) -> str:
    to = f"To {describe_target(asked)} on {describe_group(asked, varying)}: "
    if asked["initial"]:
        return f"{to}no race, the initial weights meet it ({asked['initial']} runs)."
    clauses = _ranked(asked["ranking"]) if asked["ranking"] else [_unreached(asked)]
    if asked["ranking"] and asked["missed"]:
        clauses.append(f"batch {_batches(asked['missed'])} did not reach it")
    clauses += _stopped(asked["stopped"], factor)
    if asked["diverged"] and asked["nearest"]:
        clauses.append(f"batch {_batches(asked['diverged'])} diverged")
    if asked["unknown"]:
        reach = "reaches" if len(asked["unknown"]) == 1 else "reach"
        clauses.append(
            f"whether batch {_batches(asked['unknown'])} {reach} it is unknown: a target of the "
            "budget ended runs, or they were not asked for this target"
        )
    return to + "; ".join(clauses) + "."


def _ranked(ranking: Sequence[dict[str, Any]]) -> list[str]:
    first, *others = ranking
    clauses = [f"{_configuration(first)}, {_seconds(first)}"]
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


def _stopped(stopped: Sequence[Mapping[str, Any]], factor: float | None) -> list[str]:
    """Return a clause for the batch sizes that were stopped at the same time."""
    by_time: dict[str, list[int]] = {}
    for each in stopped:
        by_time.setdefault(number(each["more_than"]), []).append(each["batch_size"])
    return [
        f"batch {_batches(sizes)} {'was' if len(sizes) == 1 else 'were'} stopped at {seconds} s: "
        f"more than {factor:g} times as long"
        for seconds, sizes in by_time.items()
    ]


def _batches(sizes: Sequence[int]) -> str:
    return _listed(list(map(str, sizes)))


def _listed(names: Sequence[str]) -> str:
    beyond = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {beyond} more" if beyond > 0 else "")


def _unreached(asked: Answer) -> str:
    nearest = asked["nearest"]
    if nearest is None:
        return "all runs diverged"
    value = f"{number(nearest['value'])}{UNITS[asked['target']]}"
    return f"no batch size reached it; {_configuration(nearest)} came nearest, {value}"


def _configuration(entry: Mapping[str, Any]) -> str:
    """Return a batch size and its tuned hyperparameters, but those with their default value."""
    others = [
        key
        for key in with_role("tuned")
        if key != "learning_rate" and entry[key] != REGISTRY[key].default
    ]
    rate = f"{entry['learning_rate']:g}{describe_values(entry, others)}"
    return f"batch {entry['batch_size']} at learning rate {rate}"


def _behind(other: dict[str, Any]) -> str:
    if other["ratio"] is None:
        return f"then batch {other['batch_size']}, {_seconds(other)}"
    ratio = number(other["ratio"])
    ratio += interval(other["ratio_low"], other["ratio_high"], other["seeds"])
    at_least = "at least " if other["reached"] < other["runs"] else ""
    return f"batch {other['batch_size']} took {at_least}{ratio} times as long ({_seconds(other)})"


def _seconds(entry: dict[str, Any]) -> str:
    text = bracket(entry["seconds_after"], entry["seconds"]) + " s"
    text += interval(entry["seconds_low"], entry["seconds_high"], entry["runs"])
    missed = entry["runs"] - entry["reached"] - entry["diverged"]
    counts = {"runs missed it": missed}
    counts |= {"diverged": entry["diverged"], "contended": entry["contended"]}
    flags = [f", {count} of {entry['runs']} {flag}" for flag, count in counts.items() if count]
    return text + "".join(flags)


def _intervals(ranked: Sequence[Answer]) -> list[str]:
    """Return a line that names the kinds of intervals shown; none where there are no intervals."""
    entries = [each for asked in ranked for each in asked["ranking"]]
    kinds = dict.fromkeys(each["seconds_interval"] for each in entries if each["seconds_interval"])
    if not kinds:
        return []
    line = f"In brackets: after seconds, {' or '.join(kinds)}"
    ratios = [each["ratio_interval"] for each in entries if each.get("verdict") == "slower"]
    return [line + (f"; after a ratio, {ratios[0]}." if ratios else ".")]


def _caveats(answers: Sequence[Answer], varying: Sequence[str], factor: float | None) -> list[str]:
    ranked = [each for each in answers if each["ranking"]]
    compared = [each for each in ranked if len(each["ranking"]) > 1]
    lines = _intervals(ranked)
    scattered = sorted({asked["machine"] for asked in answers if asked["elsewhere"]})
    if scattered:
        lines.append(
            "Not all runs were made on one type of machine, and times are only compared within "
            f"each: the answer for {'; '.join(scattered)} leaves out the runs that only other "
            "machines made. Ask the batch system for one type (docs/scaling.md)."
        )
    updated = dict.fromkeys(asked["software"] for asked in answers if asked["otherwise"])
    if updated:
        lines.append(
            "Not all runs were made with the same versions, and times are only compared within "
            f"each: the answer for {'; '.join(updated)} leaves out the runs that only others made. "
            "`--forcerun train` makes all runs again."
        )
    lines += _not_compared(compared, factor)
    if any(len(each["learning_rates"]) == 1 for asked in compared for each in asked["ranking"]):
        lines.append(
            "Where a batch size had one learning rate, it may have a better one: give a list of "
            "learning rates."
        )
    at_the_edge: dict[str, None] = {}  # an ordered set
    for asked in ranked:
        for each in asked["ranking"]:
            tried = each["learning_rates"]
            if len(tried) > 1 and each["learning_rate"] in (tried[0], tried[-1]):
                rate = f"{each['learning_rate']:g}{describe_values(asked, varying)}"
                at_the_edge[f"batch {each['batch_size']} ({rate})"] = None
    if at_the_edge:
        lines.append(
            "At the end of the learning rates tried, so perhaps not at their best: "
            f"{_listed(list(at_the_edge))}."
        )
    return lines


def _not_compared(answers: Sequence[Answer], factor: float | None) -> list[str]:
    unknown = [
        each for asked in answers for each in asked["ranking"][1:] if each["verdict"] == "unknown"
    ]
    if factor is not None and any(asked["ranking"][0]["runs"] > 1 for asked in answers):
        stopped = dict.fromkeys(f"batch {each['batch_size']}" for each in unknown)
        return [_pruned(list(stopped), factor)] if stopped else []
    lines = []
    if any(each["seeds"] == 1 for each in unknown):
        lines.append(
            "With one seed, a difference may be due to chance: raise `repeats` to find out."
        )
    others = dict.fromkeys(f"batch {each['batch_size']}" for each in unknown if not each["seeds"])
    if others:
        lines.append(
            f"Not compared with the first: {_listed(list(others))}. That needs the same seeds for "
            "each learning rate of both, and no run ended by a target of the budget."
        )
    return lines


def _pruned(names: Sequence[str], factor: float) -> str:
    return (
        f"No verdict on {_listed(names)} where none is given: with pruning, not all seeds of their "
        f"learning rates were trained, since one took more than {factor:g} times as long."
    )
