"""Targets that are not this configuration's: refused, whatever rule would make them."""

import re
from pathlib import PurePath

import pytest

from tests.project import checkout


@pytest.fixture(scope="module")
def untouched(tmp_path_factory):
    """A checkout in which nothing is written."""
    return checkout(tmp_path_factory.mktemp("untouched") / "checkout")


def planned(project, target):
    """Plan a target with another configuration than that of the experiment `race`."""
    return project.snakemake("--dry-run", "--configfile", "config/quickstart.yaml", "--", target)


@pytest.mark.parametrize(
    "target",
    [
        "collect/race/runs.json",
        "summarize/race/table.md",
        "compare/race/answer.txt",
        "forecast/race/forecast.json",
        "find_mistakes/race/confusion.parquet",
        "plot/race/loss_by_seconds.svg",
        "plot/race/throughput.png",
        "plot/race/worst_mistakes.json",
        "page/race/report.html",
    ],
)
def test_another_experiments_name_is_refused(untouched, target):
    status, said = planned(untouched, f"results/{target}")
    assert status != 0
    assert "experiment: found race in a target's path, expected quickstart, the exp" in said
    assert said.count("Error:") == 2  # Snakemake's heading and WorkflowError


@pytest.mark.parametrize(
    "target", ["train/ok/any/history.parquet", "parse/ok/test_images.npy", "download/ok/{}.gz"]
)
def test_an_unknown_dataset_is_refused(untouched, target):
    status, said = planned(untouched, f"results/{target.format('train-images-idx3-ubyte')}")
    assert status != 0
    assert "dataset: found ok in a target's path, expected one of mnist, fashion_mnist," in said
    assert said.count("Error:") == 2


def test_an_unknown_run_is_refused(untouched):
    status, said = planned(untouched, "results/train/strokes/any/9_seconds/history.parquet")
    assert status != 0
    assert "results/train/strokes/any/9_seconds: not a run that this configuration asks f" in said
    assert said.count("Error:") == 2


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (
            "download/strokes/train-images-idx3-ubyte.gz",
            "dataset: found strokes in a target's path, expected one of mnist, fashion_mnist, kmn",
        ),
        ("decide/quickstart/round_2.json", "quickstart: found no race, expected pruning or learn"),
        ("collect_decisions/quickstart/decisions.parquet", "quickstart: found no race, expected"),
        ("find_crossings/strokes/any/9_seconds/any.parquet", "targets: found any in a target's p"),
    ],
)
def test_what_this_configuration_does_not_make_is_refused(untouched, target, message):
    status, said = planned(untouched, f"results/{target}")
    assert status != 0
    assert message in said
    assert said.count("Error:") == 2


def test_crossings_of_other_targets_are_refused(untouched):
    _, said = planned(untouched, "results/compare/quickstart/answer.txt")
    mine = re.search(r"results/find_crossings/\S+?\.parquet", said)[0]
    status, said = planned(untouched, str(PurePath(mine).with_stem(10 * "0")))
    assert status != 0
    assert "targets: found 0000000000 in a target's path, expected " in said
    assert said.count("Error:") == 2


def test_what_is_the_configurations_own_is_planned(untouched):
    status, said = planned(untouched, "results/compare/quickstart/answer.txt")
    assert status == 0, said
