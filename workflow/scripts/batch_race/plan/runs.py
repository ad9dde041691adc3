"""The runs that a configuration asks for, and the name of each.

A run's name holds all that changes its result: the swept numbers in clear, everything in a
digest whose full text lies beside the result, in specification.json. So two configurations that
share a run share its files, and going back to an earlier configuration trains nothing.
"""

import hashlib
import itertools
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from batch_race.errors import InputError
from batch_race.hyperparameters import REGISTRY
from batch_race.plan.datasets import Dataset

Specification = dict[str, Any]

MAX_COMBINATIONS = 100_000
"""What Snakemake can plan within minutes."""

AUTO = "auto"
"""The learning rate of a run whose rate is to be found; see `plan.race`."""


def expand(config: Mapping[str, Any], datasets: Mapping[str, Dataset]) -> dict[str, Specification]:
    """List the runs of an experiment, each once.

    They are the product of all lists, less what `exclude` matches, and with what `include` adds:
    of each of its entries the product, where a key that it does not give takes the list of the
    configuration. Each seed represents as many consecutive ones as `repeats`, except in
    `include` and `exclude`, which name the seeds that they mean.

    Parameters
    ----------
    config : mapping
        A complete configuration.
    datasets : mapping of str to Dataset
        Those that can be named.

    Returns
    -------
    dict of str to dict
        By its name, each run's specification: the swept keys with one value each, `budget` and
        `evaluation`. A learning rate that is to be found is `AUTO`.

    Raises
    ------
    InputError
        If a dataset is not known, a batch is larger than its dataset, there is no budget, or there
        are no runs or too many.
    """
    if all(config["budget"][limit] is None for limit in ("seconds", "steps", "epochs")):
        raise InputError("budget: found no limit, expected seconds, steps or epochs")
    if None not in (config["evaluation"]["every_steps"], config["evaluation"]["every_seconds"]):
        raise InputError(
            "evaluation: found every_steps and every_seconds, expected one of them to be null"
        )
    runs = {}
    folders = {name: dataset.folder for name, dataset in datasets.items()}
    for combination in _combinations(config, datasets):
        # In one order, whatever that in the files: to Snakemake another one is another parameter.
        specification = combination | {
            key: dict(sorted(config[key].items())) for key in ("budget", "evaluation")
        }
        _normalize(specification, datasets)
        runs[name(specification, folders)] = specification
    if not runs:
        raise InputError("exclude: found that it leaves no run, expected at least one")
    return runs


def _combinations(
    config: Mapping[str, Any], datasets: Mapping[str, Dataset]
) -> Iterator[Specification]:
    lists = {key: config[key] for key in REGISTRY}
    lists["seed"] = [
        seed + repeat for seed in config["seed"] for repeat in range(int(config["repeats"]))
    ]
    included = [lists | partial for partial in config["include"]]
    for partial in (*included, *config["exclude"], lists):
        for dataset in partial.get("dataset", ()):
            if dataset not in datasets:
                raise InputError(
                    f"dataset: found {dataset!r}, expected one of {', '.join(datasets)}"
                )
    count = sum(math.prod(map(len, each.values())) for each in (lists, *included))
    if count > MAX_COMBINATIONS:
        raise InputError(
            f"the lists: found {count:,} combinations, expected at most {MAX_COMBINATIONS:,}"
        )
    for combination in _product(lists):
        if not any(_matches(combination, partial, datasets) for partial in config["exclude"]):
            yield combination
    for each in included:
        yield from _product(each)


def _product(lists: Mapping[str, list[Any]]) -> Iterator[Specification]:
    for values in itertools.product(*lists.values()):
        yield dict(zip(lists, values, strict=True))


def name(specification: Mapping[str, Any], folders: Mapping[str, str]) -> str:
    """Name a run: `<dataset>/<what is trained>-<digest>/<budget>`, a path below results/train.

    Parameters
    ----------
    specification : mapping
        With normalized values.
    folders : mapping of str to str
        By dataset.

    Returns
    -------
    str
    """
    budget = specification["budget"]
    without_budget = {key: value for key, value in specification.items() if key != "budget"}
    text = json.dumps(without_budget, sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()[:10]
    units = {
        "seconds": "seconds" if budget["clock"] == "training" else "wall_seconds",
        "steps": "steps",
        "epochs": "epochs",
        "loss": "loss",
        "accuracy": "accuracy",
    }
    limits = "-or-".join(
        _written(budget[limit], unit) for limit, unit in units.items() if budget[limit] is not None
    )
    values = "-".join(
        f"{each.label}_{specification[key]}" for key, each in REGISTRY.items() if each.label
    )
    return f"{folders[specification['dataset']]}/{values}-{digest}/{limits}"


def asked(config: Mapping[str, Any]) -> dict[str, list[float]]:
    """List the targets of a configuration, each once and in order of their values."""
    return {
        metric: sorted({float(value) for value in config["targets"][metric]})
        for metric in ("loss", "accuracy")
    }


def targets_name(config: Mapping[str, Any], indices: Iterable[int] | None = None) -> str:
    """Name the targets of a configuration, whatever their order, or those with some indices."""
    targets = asked(config)
    name = hashlib.sha256(json.dumps(targets).encode()).hexdigest()[:10]
    every = range(sum(map(len, targets.values())))
    some = every if indices is None else sorted(set(indices))
    return name if list(some) == list(every) else f"{name}-{sum(1 << index for index in some):x}"


def named_targets(config: Mapping[str, Any], name: str) -> dict[str, list[float]]:
    """Return the targets that have a name of `targets_name`.

    Raises
    ------
    InputError
        If none of the configuration's have it.
    """
    targets = asked(config)
    every = range(sum(map(len, targets.values())))
    some = re.fullmatch(r"[^-]+-([0-9a-f]+)", name)
    indices = {index for index in every if not some or int(some[1], 16) >> index & 1}
    if targets_name(config, indices) != name:
        raise InputError(
            f"targets: found {name} in a target's path, expected {targets_name(config)}, those of "
            "this configuration"
        )
    left = iter(every)
    return {
        metric: [value for value in values if next(left) in indices]
        for metric, values in targets.items()
    }


def title(config: Mapping[str, Any]) -> str:
    """Return the title of charts and page: the configured one, and what each run may spend.

    Parameters
    ----------
    config : mapping
        A complete configuration.

    Returns
    -------
    str
        As `Understanding batches (60 seconds each)`.
    """
    return f"{config['title']} ({given(config)} each)"


def given(config: Mapping[str, Any]) -> str:
    """Return what each run may spend.

    Parameters
    ----------
    config : mapping
        A complete configuration.

    Returns
    -------
    str
        As `60 seconds`, or `60 seconds of training` where evaluation is not timed; with pruning
        `at most …`.
    """
    budget = config["budget"]
    units = {
        "seconds": "second{s} of training" if budget["clock"] == "training" else "second{s}",
        "steps": "step{s}",
        "epochs": "epoch{s}",
    }
    limits = [
        f"{budget[limit]:,.12g} {unit.format(s='' if budget[limit] == 1 else 's')}"
        for limit, unit in units.items()
        if budget[limit] is not None
    ]
    targets = [
        f"until {target} {budget[target]:g}{unit}"
        for target, unit in (("loss", ""), ("accuracy", " %"))
        if budget[target] is not None
    ]
    most = "at most " if config["pruning"]["enabled"] else ""
    return most + " or ".join([*limits, *targets])


def _written(value: float, unit: str) -> str:
    number = repr(value).removesuffix(".0")
    return f"{unit}_{number}" if unit in ("loss", "accuracy") else f"{number}_{unit}"


def _normalize(specification: Specification, datasets: Mapping[str, Dataset]) -> None:
    """Give equal values one spelling, and what has no effect none.

    So 32.0 is 32 examples, `all` is a number of them, and the clock of a budget without seconds has
    no effect.
    """
    dataset = specification["dataset"]
    images = datasets[dataset].train_count
    batch_size = _number_of_examples(specification["batch_size"], images)
    if batch_size > images:
        raise InputError(
            f"batch_size: found {batch_size}, expected at most the {images} training images "
            f"of {dataset}"
        )
    specification["batch_size"] = batch_size
    for key, each in REGISTRY.items():
        if specification[key] == AUTO:
            continue
        specification[key] = each.kind(specification[key])
        if specification[key] == 0:
            specification[key] = each.kind(0)  # -0.0 is 0
    if images % specification["batch_size"] == 0:
        specification["leftover"] = "repeat"  # there is none
    specification["data"] = datasets[dataset].digest
    budget, evaluation = specification["budget"], specification["evaluation"]
    for key in ("seconds", "loss", "accuracy"):
        budget[key] = _number_or_none(budget[key], float)
    for key in ("steps", "epochs"):
        budget[key] = _number_or_none(budget[key], int)
    if budget["seconds"] is None:
        budget["clock"] = "training"
    evaluation["every_steps"] = _number_or_none(evaluation["every_steps"], int)
    evaluation["every_seconds"] = _number_or_none(evaluation["every_seconds"], float)
    is_fixed = any(evaluation[key] is not None for key in ("every_steps", "every_seconds"))
    evaluation["points_per_decade"] = None if is_fixed else int(evaluation["points_per_decade"])
    is_bounded = budget["seconds"] is not None and not is_fixed
    evaluation["time_fraction"] = float(evaluation["time_fraction"]) if is_bounded else None


def _matches(
    combination: Specification, partial: Mapping[str, list[Any]], datasets: Mapping[str, Dataset]
) -> bool:
    images = datasets[combination["dataset"]].train_count
    size = _number_of_examples(combination["batch_size"], images)
    return all(
        size in [_number_of_examples(value, images) for value in values]
        if key == "batch_size"
        else combination[key] in values
        for key, values in partial.items()
    )


def _number_of_examples(batch_size: Any, images: int) -> Any:
    return images if batch_size == "all" else batch_size


def _number_or_none(value: Any, kind: type) -> Any:
    return None if value is None else kind(value)
