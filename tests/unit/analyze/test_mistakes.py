"""The winner of a race, its confusion matrix and its worst mistakes."""

import numpy as np
import polars as pl
import pytest

from batch_race.analyze import comparison, mistakes
from batch_race.analyze.statistics import summarize
from batch_race.hyperparameters import RUN
from tests.curves import A_RUN, curve, falling, measured


def choose(*tables, targets, elsewhere=(), **specified):
    """Choose among runs in folders named by their index; runs elsewhere have no folder."""
    runs = measured(pl.concat([*tables, *elsewhere]), targets, "training")
    answers = comparison.compare(runs, summarize(runs))
    histories = {}
    for index, table in enumerate(tables):
        row = table.row(0, named=True)
        histories[str(index)] = {
            "specification": {key: row[key] for key in RUN} | specified,
            **{key: row[key] for key in ("training_images", "subnormals", "stopped")},
            "contention": {"contended": row["contended"]},
            "machine": {"processor": row["machine"], "blas": ""},
            "versions": {"python": "3", "numpy": "2", "scipy": "1"},
            "engine": "1",
        }
    found = mistakes.choose(answers, runs, histories)
    return found and (int(found["folder"]), found["why"])


def test_the_first_to_the_lowest_loss_wins():
    # The second is first to reach 1, the first 0.5, and neither reaches 0.1.
    late = curve([2.0, 1.2, 0.5, 0.5])
    early = curve([2.0, 0.9, 0.8, 0.7, 0.6, 0.5], batch_size=8)
    targets = {"loss": [0.5, 1.0, 0.1], "accuracy": [50]}
    assert choose(late, early, targets=targets) == (0, "first to loss 0.5")
    assert choose(late, early, targets={"loss": [1.0]}) == (1, "first to loss 1")


def test_the_fastest_seed_wins():
    seeds = [falling(steps, seed=seed) for seed, steps in enumerate([20, 10, 30])]
    assert choose(*seeds, targets={"loss": [1.0]}) == (1, "first to loss 1")


def test_without_a_loss_target_the_highest_accuracy_wins_and_without_that_the_lowest_loss():
    runs = (falling(20), falling(10, batch_size=8), curve([2.0, 1.9], batch_size=2))
    targets = {"loss": [], "accuracy": [81, 90]}
    assert choose(*runs, targets=targets) == (1, "first to accuracy 90 %")
    ends = (curve([2.0, 1.9]), curve([2.0, 1.8], batch_size=8))
    assert choose(*ends, targets={"loss": [0.1]}) == (1, "lowest loss at the end")
    assert choose(*ends, targets={}) == (1, "lowest loss at the end")


@pytest.mark.parametrize("winner", ["repeat", "keep"])
def test_the_winner_has_its_own_value_of_each_tuned_hyperparameter(winner):
    loser = {"repeat": "keep", "keep": "repeat"}[winner]
    # The loser's second seed is faster than the winner's, but its median is not.
    runs = [falling(10, leftover=winner, seed=seed) for seed in range(3)]
    runs += [falling(steps, leftover=loser, seed=seed) for seed, steps in enumerate([90, 5, 90])]
    assert choose(*runs, targets={"loss": [1.0]})[0] < 3


def test_a_run_of_another_machine_does_not_win():
    faster = falling(1, machine="Elsewhere")
    assert choose(falling(20), targets={"loss": [1.0]}, elsewhere=[faster]) == (
        0,
        "first to loss 1",
    )


def test_no_run_wins_if_all_diverged():
    lost = curve([2.0, float("nan")], stopped="diverged")
    assert choose(lost, targets={"loss": [1.0]}) is None
    assert [len(table) for table in mistakes.empty_tables()] == [0, 0]


def test_a_whole_number_in_a_specification_is_the_same_as_a_float():
    run = falling(20, learning_rate=1.0)
    assert choose(run, targets={"loss": [1.0]}, learning_rate=1) == (0, "first to loss 1")


def test_the_worst_mistakes_come_first():
    # Of five images the first and the last are classified correctly.
    true_class = [0.9, 0.3, 0.001, 0.2, 0.6]
    labels = np.array([3, 1, 4, 1, 5], dtype=np.uint16)
    classes = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    predicted = [3, 2, 7, 2, 5]
    probabilities = np.full((5, 10), 0.0)
    for row, (probability, label, prediction) in enumerate(
        zip(true_class, labels, predicted, strict=True)
    ):
        probabilities[row, prediction] = 1 - probability
        probabilities[row, label] = probability
    images = np.arange(5 * 6, dtype=np.uint8).reshape(5, 2, 3)
    run = A_RUN | {"why": "first to loss 1", "contended": True}
    confusion, worst = mistakes.examine(run, probabilities, labels, images, classes)
    counted = confusion.filter(pl.col("count") > 0).select("label", "predicted", "count").rows()
    assert counted == [
        ("one", "two", 2),
        ("three", "three", 1),
        ("four", "seven", 1),
        ("five", "five", 1),
    ]
    assert len(confusion) == 100
    assert confusion["label"].unique(maintain_order=True).to_list() == classes
    assert worst["label"].to_list() == ["four", "one", "one"]
    assert worst["predicted"].to_list() == ["seven", "two", "two"]
    assert worst["pixels"].to_list() == [images[index].tolist() for index in (2, 3, 1)]
    assert worst["probability"].to_list() == pytest.approx([0.999, 0.8, 0.7])
    assert worst["run"][0] == "batch 32 at learning rate 0.01, seed 1, first to loss 1, contended"
    assert worst["of"].to_list() == [3, 3, 3]
