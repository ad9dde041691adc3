"""Results of another machine next to your results."""

import json
import shutil

import polars as pl
import pytest

pytestmark = pytest.mark.slow

ANSWER = "results/compare/race/answer.txt"


def test_another_machines_results_are_laid_beside_ones_own(project):
    targets = "targets={loss: [2.29], accuracy: [1]}"
    project.run("--until", "collect", "--config", targets)
    elsewhere = project.folder.parent / "elsewhere"
    shutil.move(project.folder / "results", elsewhere)
    machines = f"machines={{laptop: {elsewhere}}}"
    said = project.run("--config", machines, targets)

    summary = pl.read_parquet(project.folder / "results/summarize/race/summary.parquet")
    own, laptop = sorted(summary["machine"].unique(), key=lambda name: "laptop" in name)
    assert laptop == f"laptop ({own})"
    # Three runs of each, none put together.
    assert (summary["runs"] == 1).all()
    assert summary.filter(machine=own, measure="final_loss").height == 3
    # The same steps lead to the same losses; the seconds are each machine's own.
    losses = [
        summary.filter(machine=machine, measure="final_loss")["median"].to_list()
        for machine in (own, laptop)
    ]
    assert losses[0] == losses[1]

    answers = json.loads((project.folder / "results/compare/race/answer.json").read_text())
    asked = [(each["machine"], each["target"]) for each in answers]
    assert sorted(asked) == sorted(
        (machine, target) for machine in (own, laptop) for target in ("loss", "accuracy")
    )
    assert f"No race to accuracy 1 % with machine {laptop}: " in said

    # A target that the other machine was not asked for is unknown there.
    said = project.run("--config", machines, "targets={loss: [2.28]}", "--", ANSWER)
    _, _, after = said.partition("loss 2.28 with machine laptop")
    assert "Batches 1, 32 and all (300) may or may not reach it: " in after.splitlines()[1]


def test_what_is_no_other_machines_result_is_refused(project):
    said = project.refusal("--config", "machines={laptop: /nowhere}")
    assert (
        "machines.laptop: found no /nowhere/collect/race/histories.parquet, expected a results "
        "folder in which the experiment race is finished"
    ) in said
    said = project.refusal("--config", "machines={me: results}")
    assert "machines.me: found this machine's own results, expected another's" in said
