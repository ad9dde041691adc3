"""The winner of a race, its confusion matrix and its worst mistakes."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from batch_race import batch_sizes
from batch_race.analyze.comparison import Answer
from batch_race.analyze.measures import matching
from batch_race.analyze.targets import describe_target
from batch_race.hyperparameters import GROUP, RUN, WITHIN_GROUP
from batch_race.store import history
from nn.network import Floats, Integers

SHOWN = 24
"""How many of the worst mistakes are kept."""

Images = npt.NDArray[np.uint8]

_OF_RUN: Mapping[str, type[pl.DataType]] = {
    "dataset": pl.String,
    "machine": pl.String,
    "run": pl.String,
}

_PAIR: Mapping[str, type[pl.DataType]] = {**_OF_RUN, "label": pl.String, "predicted": pl.String}
_CONFUSION = pl.Schema([*_PAIR.items(), ("count", pl.Int64)])
_MISTAKES = pl.Schema(
    [
        *_PAIR.items(),
        ("of", pl.Int64),
        ("probability", pl.Float64),
        ("pixels", pl.List(pl.List(pl.UInt8))),
    ]
)


def choose(
    answers: Sequence[Answer], measures: pl.DataFrame, runs: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any] | None:
    """Return the run that won.

    Its configuration was the first to reach the lowest loss target that any reached, or, if none
    reached one, the highest accuracy target; of its seeds, it is the fastest. If no target was
    reached, it is the run that ended with the lowest loss.

    Parameters
    ----------
    answers : sequence of dict
        As `comparison.compare` gives them.
    measures : polars.DataFrame
        As `measures.per_run` makes it. Runs of other machines are ignored: their weights are
        missing.
    runs : mapping of str to dict
        The metadata of each run's history, by the run's folder.

    Returns
    -------
    dict or None
        The run's row of `measures`, with `folder` and `why`, the reason as text; None if no run
        ended with a finite loss.
    """
    known = measures.join(_folders(runs), on=list(RUN))
    here = set(known["machine"])
    reached = [each for each in answers if each["ranking"] and each["machine"] in here]
    if not reached:
        ends = known.filter(pl.col("measure") == "final_loss").drop_nulls("value")
        why = "lowest loss at the end"
    else:
        asked = min(reached, key=_rank)
        first = {key: asked["ranking"][0][key] for key in WITHIN_GROUP}
        target = {key: asked[key] for key in (*GROUP, "target", "target_value")}
        ends = matching(known, target | first | {"measure": "seconds"}).drop_nulls("value")
        why = f"first to {describe_target(asked)}"
    if ends.is_empty():
        return None
    return ends.sort("value").row(0, named=True) | {"why": why}


def examine(
    run: Mapping[str, Any],
    probabilities: Floats,
    labels: Integers,
    images: Images,
    classes: Sequence[str],
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Compute the confusion matrix of a network, and find its worst mistakes.

    Parameters
    ----------
    run : mapping
        As `choose` gives it.
    probabilities : ndarray of float, shape (n_images, n_classes)
        Predicted by the network for the test images.
    labels : ndarray of int, shape (n_images,)
        The indices of the true classes.
    images : ndarray of uint8, shape (n_images, height, width)
    classes : sequence of str
        The name of each class.

    Returns
    -------
    confusion : polars.DataFrame
        A row for each pair of classes, in their order: label, predicted and count.
    mistakes : polars.DataFrame
        The `SHOWN` wrongly classified images with the lowest probability of the true class: label,
        predicted, the probability of the latter, the rows of pixels, and `of`, the number of all
        mistakes. Both tables have the columns dataset, machine and run, a description of the run.
    """
    predicted = probabilities.argmax(axis=1)
    n_classes = len(classes)
    pairs = np.bincount(labels * np.intp(n_classes) + predicted, minlength=n_classes**2)
    described = {key: run[key] for key in ("dataset", "machine")} | {"run": _describe(run)}
    names = pl.Series(classes, dtype=pl.String)
    index = np.arange(n_classes)
    confusion = pl.DataFrame(
        {
            "label": names.gather(np.repeat(index, n_classes)),
            "predicted": names.gather(np.tile(index, n_classes)),
            "count": pairs,
        }
    ).with_columns(pl.lit(text).alias(key) for key, text in described.items())
    of_true_class = probabilities[np.arange(len(labels)), labels]
    wrong = np.flatnonzero(predicted != labels)
    worst = wrong[np.argsort(of_true_class[wrong], kind="stable")][:SHOWN]
    mistakes = [
        described
        | {
            "of": len(wrong),
            "label": classes[labels[index]],
            "predicted": classes[predicted[index]],
            "probability": float(probabilities[index].max()),
            "pixels": images[index].tolist(),
        }
        for index in worst
    ]
    return confusion.select(_CONFUSION.names()).cast(_CONFUSION), pl.DataFrame(
        mistakes, schema=_MISTAKES
    )


def empty_tables() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the two tables of `examine` for a race without a winner."""
    return pl.DataFrame(schema=_CONFUSION), pl.DataFrame(schema=_MISTAKES)


def _folders(runs: Mapping[str, Mapping[str, Any]]) -> pl.DataFrame:
    """Return a table of the configuration, seed and folder of each run."""
    rows = []
    for folder, metadata in runs.items():
        known = history.constants(metadata)
        rows.append({key: known[key] for key in RUN} | {"folder": folder})
    schema = {key: history.COLLECTED[key] for key in RUN} | {"folder": pl.String}
    return pl.DataFrame(rows, schema=schema)


def _rank(asked: Answer) -> tuple[bool, float, float]:
    is_loss = asked["target"] == "loss"
    value = asked["target_value"] if is_loss else -asked["target_value"]
    return not is_loss, value, asked["ranking"][0]["seconds"]


def _describe(run: Mapping[str, Any]) -> str:
    flag = ", contended" if run["contended"] else ""
    size = batch_sizes.name(run["batch_size"], run["training_images"])
    return (
        f"{size} at learning rate {run['learning_rate']:g}, seed {run['seed']}, {run['why']}{flag}"
    )
