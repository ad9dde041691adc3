"""The answer of the comparison as text.

Each target has a line for the fastest batch size, and below it an indented line for each of the
others, so that every configured batch size is named; beyond `MOST_NAMED`, the rest are counted.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from batch_race import batch_sizes
from batch_race.analyze.comparison import Answer
from batch_race.analyze.statistics import FEWEST_RUNS
from batch_race.analyze.targets import UNITS, describe_target
from batch_race.hyperparameters import REGISTRY, with_role
from batch_race.report.groups import (
    MOST_NAMED,
    describe_values,
    listed,
    varying_between,
)
from batch_race.report.numbers import bracket, interval, number

_Entry = Mapping[str, Any]


class _Group(NamedTuple):
    """Batch sizes of a target that share one line, and what it says of them.

    Attributes
    ----------
    sizes : list of int
    text : str
        What follows their names.
    called : str
        What a count calls them.
    """

    sizes: list[int]
    text: str
    called: str


class _Kinds(NamedTuple):
    """The kinds of intervals that are named once, below all targets; others are named in place."""

    seconds: str | None
    ratio: str | None


def write(
    answers: Sequence[Answer],
    given: str,
    factor: float | None = None,
    contended: tuple[int, int] = (0, 0),
) -> str:
    """Return the answer as text.

    Parameters
    ----------
    answers : sequence of dict
        As `comparison.compare` gives them.
    given : str
        What each run was given; see `runs.given`.
    factor : float, optional
        That of the pruning.
    contended : tuple of int
        How many runs were contended, and how many there are.

    Returns
    -------
    str
        A line for what was given; for each comparison group and target a line and, indented, one
        for each other batch size; and a line for each caveat.
    """
    if not answers:
        return "No target is configured (targets), so there is nothing to answer.\n"
    varying = varying_between(answers)
    runs = "Each run"
    if len({asked["dataset"] for asked in answers}) > 1:
        varying = ["dataset", *varying]
    else:
        runs += f" on {answers[0]['dataset']}"
    kinds = _kinds(answers)
    lines = [f"{runs} was given {given}."]
    for asked in answers:
        lines += _paragraph(asked, varying, factor, kinds)
    lines += _caveats(answers, varying, factor, kinds)
    flagged, total = contended
    if flagged:
        lines.append(
            f"{flagged} of {total} {'run was' if total == 1 else 'runs were'} slowed by other "
            'programs: see "Contention" in docs/method.md.'
        )
    return "\n".join(lines) + "\n"


def _paragraph(
    asked: Answer, varying: Sequence[str], factor: float | None, kinds: _Kinds
) -> list[str]:
    target = describe_target(asked) + _of_group(asked, varying)
    if asked["initial"]:
        return [f"No race to {target}: the initial weights meet it ({asked['initial']} runs)."]
    others = [*_behind(asked, kinds), *_unranked(asked, factor)]
    if asked["ranking"]:
        lines = [_fastest(asked, target, kinds, is_alone=not others)]
    else:
        lines = [_unreached(asked, target)]
    room = MOST_NAMED - len(asked["ranking"][:1])
    rest: Counter[str] = Counter()
    for group in others:
        named = group.sizes[:room]
        room -= len(named)
        rest[group.called] += len(group.sizes) - len(named)
        if named:
            lines.append(f"  {_batches(named, asked)} {group.text}.")
    if rest.total():
        counts = ", ".join(f"{count} {called}" for called, count in rest.items() if count)
        lines.append(f"  {rest.total()} more: {counts}.")
    return lines


def _fastest(asked: Answer, target: str, kinds: _Kinds, *, is_alone: bool) -> str:
    first = asked["ranking"][0]
    reached = f"reached {target} in" if is_alone else f"was fastest to {target}:"
    seconds = _seconds(first, kinds) + _notes(first, _tuned(first))
    name = _batches([first["batch_size"]], asked)
    return f"{name} {reached} {seconds}."


def _unreached(asked: Answer, target: str) -> str:
    known = "is known to have reached" if asked["unknown"] else "reached"
    text = f"No batch size {known} {target}"
    nearest = asked["nearest"]
    if asked["partly"]:
        return f"{text} in more than half of its runs."
    if nearest is None:
        return f"{text}."
    value = number(nearest["value"])
    if value == number(asked["target_value"]):
        value = f"{nearest['value']:.6g}"
    value += UNITS[asked["target"]]
    return (
        f"{text}: {_batches([nearest['batch_size']], asked).lower()} came nearest, {value} "
        f"({_tuned(nearest)})."
    )


def _behind(asked: Answer, kinds: _Kinds) -> list[_Group]:
    """Return the batch sizes behind the fastest: first those that may be as fast."""
    if not asked["ranking"]:
        return []
    first, *others = asked["ranking"]
    groups = []
    for entry in sorted(others, key=lambda each: each["verdict"] != "not distinguishable"):
        differs = _tuned(entry) != _tuned(first)
        seconds = _seconds(entry, kinds) + _notes(entry, _tuned(entry) if differs else "")
        text, called = _compared(entry, first, seconds, kinds)
        groups.append(_Group([entry["batch_size"]], text, called))
    return groups


def _compared(entry: _Entry, first: _Entry, seconds: str, kinds: _Kinds) -> tuple[str, str]:
    """Return what a line says of a batch size behind the fastest, and what a count calls it."""
    if entry["verdict"] == "not distinguishable":
        return f"is not distinguishable from it: {seconds}", "not distinguishable"
    called = "slower" if entry["verdict"] == "slower" else "without a verdict"
    if entry["ratio"] is None:
        return f"took {seconds} (no verdict)", called
    # Of a race with one seed a caveat says that it shows no difference.
    is_open = entry["verdict"] == "unknown" and first["runs"] > 1
    open_verdict = " (no verdict)" if is_open else ""
    at_least = "at least " if entry["reached"] < entry["runs"] else ""
    times = f"{at_least}{number(entry['ratio'])}{_ratio_interval(entry, kinds)} times as long"
    return f"took {times}{open_verdict}: {seconds}", called


def _unranked(asked: Answer, factor: float | None) -> list[_Group]:
    """Return the batch sizes outside the ranking, by reason; those stopped also by time."""
    stopped: dict[str, list[int]] = {}
    for each in asked["stopped"]:
        seconds = f"over {number(each['more_than'])} s"
        if each["pruned"] == each["runs"]:
            text = f"took more than {factor:g} times as long (stopped): {seconds}"
        else:
            text = f"took {seconds} ({each['pruned']} of {each['runs']} runs stopped)"
        stopped.setdefault(text, []).append(each["batch_size"])
    unknown = (
        "may or may not reach it: a target of the budget ended runs first, or they were not asked "
        "for this target"
    )
    groups = [
        _Group(
            [each["batch_size"]],
            f"reached it in {each['reached']} of {each['runs']} runs",
            "reached it in half of the runs or less",
        )
        for each in asked["partly"]
    ]
    groups.append(_Group(asked["missed"], "did not reach it", "did not reach it"))
    groups += [_Group(sizes, text, "stopped") for text, sizes in stopped.items()]
    groups += [
        _Group(asked["diverged"], "diverged", "diverged"),
        _Group(asked["unknown"], unknown, "unknown"),
    ]
    return [group for group in groups if group.sizes]


def _batches(sizes: Sequence[int], asked: Mapping[str, Any]) -> str:
    names = [batch_sizes.describe(size, asked["training_images"]) for size in sizes]
    return f"{'Batch' if len(sizes) == 1 else 'Batches'} {listed(names)}"


def _of_group(asked: Mapping[str, Any], varying: Sequence[str]) -> str:
    """Return what tells a comparison group apart, to append: ` on kmnist with threads 2`."""
    dataset = f" on {asked['dataset']}" if "dataset" in varying else ""
    others = describe_values(asked, [key for key in varying if key != "dataset"])
    return dataset + (f" with {others.removeprefix(', ')}" if others else "")


def _tuned(entry: _Entry) -> str:
    """Return the tuned hyperparameters, but those with their default value."""
    others = [
        key
        for key in with_role("tuned")
        if key != "learning_rate" and entry[key] != REGISTRY[key].default
    ]
    return f"learning rate {entry['learning_rate']:g}{describe_values(entry, others)}"


def _seconds(entry: _Entry, kinds: _Kinds) -> str:
    text = bracket(entry["seconds_after"], entry["seconds"]) + " s"
    kind = entry["seconds_interval"]
    if kind is None:
        return text
    named = None if kind == kinds.seconds else kind
    return text + interval(entry["seconds_low"], entry["seconds_high"], named)


def _ratio_interval(entry: _Entry, kinds: _Kinds) -> str:
    kind = entry["ratio_interval"]
    if kind is None:
        return ""
    return interval(entry["ratio_low"], entry["ratio_high"], None if kind == kinds.ratio else kind)


def _notes(entry: _Entry, tuned: str) -> str:
    counts = {
        "did not reach it": entry["runs"]
        - sum(entry[what] for what in ("reached", "stopped", "diverged")),
        "stopped": entry["stopped"],
        "diverged": entry["diverged"],
    }
    lost = [f"{count} of {entry['runs']} runs {what}" for what, count in counts.items() if count]
    notes = "; ".join([*([tuned] if tuned else []), *lost])
    return f" ({notes})" if notes else ""


def _kinds(answers: Sequence[Answer]) -> _Kinds:
    entries = [entry for asked in answers for entry in asked["ranking"]]
    seconds = [entry["seconds_interval"] for entry in entries if entry["seconds_interval"]]
    ratios = [
        entry["ratio_interval"]
        for entry in entries
        if entry.get("ratio_interval") and entry["verdict"] != "not distinguishable"
    ]
    return _Kinds(*(kinds[0] if kinds else None for kinds in (seconds, ratios)))


def _caveats(
    answers: Sequence[Answer], varying: Sequence[str], factor: float | None, kinds: _Kinds
) -> list[str]:
    ranked = [each for each in answers if each["ranking"]]
    compared = [each for each in ranked if len(each["ranking"]) > 1]
    lines = []
    named = {"seconds": kinds.seconds, "ratios": kinds.ratio}
    brackets = [f"{what}, {kind}" for what, kind in named.items() if kind]
    if brackets:
        lines.append(f"In brackets: {'; '.join(brackets)}.")
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
    lines += _without_verdict(compared, factor)
    if any(len(each["learning_rates"]) == 1 for asked in compared for each in asked["ranking"]):
        lines.append(
            "Other learning rates may be faster: set `learning_rate: auto`, or a list of them."
        )
    at_the_edge: dict[str, None] = {}  # an ordered set
    for asked in ranked:
        for each in asked["ranking"]:
            tried = each["learning_rates"]
            if len(tried) > 1 and each["learning_rate"] in (tried[0], tried[-1]):
                rate = f"{each['learning_rate']:g}{_of_group(asked, varying)}"
                at_the_edge[f"{_batches([each['batch_size']], asked).lower()} ({rate})"] = None
    if at_the_edge:
        lines.append(
            "At the end of the learning rates tried, so perhaps not at their best: "
            f"{listed(list(at_the_edge))}."
        )
    return lines


def _without_verdict(answers: Sequence[Answer], factor: float | None) -> list[str]:
    """Return why batch sizes have no verdict, one line for each reason."""
    lines = []
    if any(asked["ranking"][0]["runs"] == 1 for asked in answers):
        lines.append(
            f"One seed cannot show whether a difference is real: set `repeats: {FEWEST_RUNS}`."
        )
    without: dict[int, set[int]] = {}  # batch sizes, by the number of training images
    for asked in answers:
        for each in asked["ranking"][1:]:
            if each["verdict"] == "unknown" and asked["ranking"][0]["runs"] > 1:
                without.setdefault(asked["training_images"], set()).add(each["batch_size"])
    unknown = " and ".join(
        _batches(sorted(sizes), {"training_images": images}).lower()
        for images, sizes in without.items()
    )
    if unknown:
        needed = (
            "that needs the same seeds for each learning rate of both, and no run ended by a "
            "target of the budget."
        )
        if factor is not None:
            needed = (
                "some of their learning rates have too few seeds (pruning trains no further ones "
                f"of a rate that took more than {factor:g} times as long), or runs ended by a "
                "target of the budget."
            )
        lines.append(f"No verdict on {unknown} where none is given: {needed}")
    return lines
