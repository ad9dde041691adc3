"""Targets that are not this configuration's: refused, whatever rule would make them."""

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


def test_what_is_the_configurations_own_is_planned(untouched):
    status, said = planned(untouched, "results/compare/quickstart/answer.txt")
    assert status == 0, said
