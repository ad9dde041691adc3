"""Races for real: which jobs run, and what a change of mind, a new value or a crash runs again."""

import os
import re
import signal

import polars as pl
import pytest

from batch_race.store import history, parquet, rounds
from tests.project import scripts, wait_until

pytestmark = pytest.mark.slow

ANSWER = "results/compare/race/answer.txt"
PRUNED = {
    "pruning": {"enabled": True},
    "budget": {"seconds": 2},
    "repeats": 2,
    "targets": {"loss": [1.5, 0.5], "accuracy": []},
    "learning_rate": [0.003, 0.01],
    "evaluation": {"points_per_decade": 10},
}


def trained(project, *arguments):
    """Run Snakemake; list the runs that it trains, by its reports, which -p asks for."""
    said = project.run("-p", *arguments)
    blocks = re.findall(
        r"^(?:local)?rule train:.*?wildcards: dataset=(\S+), run=(\S+)", said, re.M | re.S
    )
    return [f"{dataset}/{run}" for dataset, run in blocks]


def stamps(project):
    """Give when each finished run was written."""
    paths = project.folder.glob("results/train/**/history.parquet")
    return {path: path.stat().st_mtime_ns for path in paths}


def decided(project):
    path = project.folder / "results/collect_decisions/race/decisions.parquet"
    return parquet.read(path)[0]


def last_round(project):
    files = project.folder.glob("results/decide/race/round_*.json")
    found = [rounds.read(path) for path in files]
    return max((each for each in found if each.is_over), key=lambda each: each.number)


def test_a_pruned_race_makes_each_run_once(project):
    project.edit_config(**PRUNED)
    first = trained(project)
    assert len(first) == len(set(first)) > 6
    assert {path.parent for path in stamps(project)} == {
        project.folder / "results/train" / run for run in first
    }

    # Its results are those of the last round's runs, and of nothing else.
    table = history.read_collected(project.folder / "results/collect/race/histories.parquet")
    last = last_round(project)
    assert table.select("batch_size", "learning_rate", "seed").n_unique() == len(last.trials)
    page = (project.folder / "results/page/race/report.html").read_text()
    assert 'id="decisions"' in page
    about_runs = decided(project).filter(pl.col("seed").is_not_null())
    assert set(about_runs["rule"]) <= {"reached", "slower", "budget", "diverged"}

    # The same command does nothing.
    assert "Nothing to be done" in project.run()

    # A batch size more is trained; nothing is trained again.
    before = stamps(project)
    project.edit_config(batch_size=[1, 32, 8, "all"])
    more = trained(project, ANSWER)
    assert more
    assert all("/batch_8-" in run for run in more)
    assert before.items() <= stamps(project).items()

    # Other factors and targets decide again, from what is there; so does a sweep without pruning.
    for change in (
        {"pruning": {"enabled": True, "factor": 1.2}},
        {"pruning": {"enabled": True, "factor": 4}},
        {"targets": {"loss": [1.0], "accuracy": [50]}},
        {"pruning": {"enabled": True}, "targets": PRUNED["targets"]},
        {"pruning": {"enabled": False}},
        {"pruning": {"enabled": True}},
    ):
        before = stamps(project)
        project.edit_config(**change)
        known = {str(path.parent.relative_to(project.folder / "results/train")) for path in before}
        assert not known & set(trained(project, ANSWER))
        assert before.items() <= stamps(project).items()
        assert "Nothing to be done" in project.run(ANSWER)


def test_a_race_goes_on_after_kill_9_in_any_round(project):
    project.edit_config(**PRUNED)
    for number in (0, 1, 3):
        with project.started("--cores", "2", ANSWER) as snakemake:
            file = project.folder / f"results/decide/race/round_{number}.json"
            wait_until(file.exists, f"round {number}")
            wait_until(
                lambda: scripts(snakemake.process.pid) or snakemake.process.poll() is not None,
                "a script",
            )
            os.killpg(snakemake.process.pid, signal.SIGKILL)
            snakemake.process.wait()
        before = stamps(project)
        project.run("--unlock")
    made = trained(project, ANSWER)
    assert before.items() <= stamps(project).items()
    assert not {str(path.parent) for path in before} & set(made)
    assert "Nothing to be done" in project.run(ANSWER)


def test_learning_rates_are_found_without_pruning_too(project):
    project.edit_config(
        learning_rate="auto",
        batch_size=[8, 32],
        budget={"seconds": None, "steps": 400},
        targets={"loss": [1.5], "accuracy": []},
    )
    project.run(ANSWER, "results/collect/race/histories.parquet")
    histories = history.read_collected(project.folder / "results/collect/race/histories.parquet")
    assert set(
        histories.group_by("learning_rate", "batch_size").agg(pl.col("step").max())["step"]
    ) <= {400}
    table = decided(project)
    assert {"start", "refined"} <= set(table["rule"])
    tried = histories.select("batch_size", "learning_rate").unique()
    for (batch_size,), rows in tried.group_by("batch_size"):
        rates = sorted(rows["learning_rate"])
        about = table.filter(pl.col("seed").is_null(), pl.col("batch_size") == batch_size)
        assert rates == sorted(about["learning_rate"].unique())

    # A batch size more has its own rates; those of the others stay.
    before = stamps(project)
    project.edit_config(batch_size=[8, 32, 300])
    assert all("/batch_300-" in run for run in trained(project, ANSWER))
    assert before.items() <= stamps(project).items()

    # Nor are they trained again for a sweep of the rates that were found.
    rates = tried.filter(pl.col("batch_size") == 8)["learning_rate"].to_list()
    project.edit_config(batch_size=8, learning_rate=rates)
    assert trained(project, ANSWER) == []
