"""The steps of docs/extending.md, and the charts as they are found."""

import re
import shlex
import shutil
import subprocess
import sys

import polars as pl
import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.slow

PAGE = (ROOT / "docs" / "extending.md").read_text()
STEP = re.compile(r"^```(?P<kind>\w+) ?(?P<file>\S*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
CHANGE = re.compile(r"In `(?P<file>[^`]+)`, change\s`(?P<old>[^`]+)` to\s`(?P<new>[^`]+)`")


def test_the_steps_of_the_page_work(project):
    # A user's folder is the project's as it is, without this test's settings.
    (project.folder / "config.yaml").write_text((ROOT / "config.yaml").read_text())
    steps = sorted([*STEP.finditer(PAGE), *CHANGE.finditer(PAGE)], key=lambda step: step.start())
    assert len(steps) == 10
    for step in steps:
        found = step.groupdict()
        if "old" in found:
            path = project.folder / found["file"]
            assert path.read_text().count(found["old"]) == 1
            path.write_text(path.read_text().replace(found["old"], found["new"]))
        elif found["kind"] == "sh":
            program, *arguments = shlex.split(found["text"])
            assert program == "snakemake"
            project.run(*arguments)
        elif found["file"]:
            with (project.folder / found["file"]).open("a") as file:
                file.write(found["text"])
        else:
            command = [sys.executable, "-c", found["text"]]
            subprocess.run(command, cwd=project.folder, check=True, timeout=60)
    project.run(*arguments)

    specifications = project.folder.glob("results/train/stripes-*/*/20_steps/specification.json")
    kinds = [path.read_text().count('"initializer": "xavier"') for path in specifications]
    assert sorted(kinds) == [0] * 6 + [1] * 2
    histories = pl.read_parquet(project.folder / "results/collect/race/histories.parquet")
    at_first = (
        histories.filter(step=0).group_by("initial_scale").agg(pl.col("training_loss").first())
    )
    assert sorted(at_first["initial_scale"]) == [1, 3]
    assert at_first["training_loss"].n_unique() == 2
    answer = (project.folder / "results/compare/race/answer.txt").read_text()
    assert " with initial_scale 3:" in answer
    chart = (project.folder / "results/plot/race/final_accuracy.svg").read_text()
    assert "accuracy at the end (%)" in chart
    page = (project.folder / "results/page/race/report.html").read_text()
    assert "accuracy at the end (%)" in page
    project.run("--report", "report.html", *arguments)
    assert "at the end of each run, against" in (project.folder / "report.html").read_text()


def test_a_file_alone_adds_a_chart(finished_project):
    project = finished_project
    assert project.jobs() == {}
    charts = project.folder / "workflow/scripts/batch_race/report/charts"
    shutil.copy(charts / "histories/loss_curves.py", charts / "histories/more_curves.py")
    assert project.jobs() == {"plot_histories": 1}
    project.run()
    drawn = [project.folder / f"results/plot/race/{name}_curves.json" for name in ("loss", "more")]
    assert drawn[0].read_text() == drawn[1].read_text()
    assert drawn[1].with_suffix(".svg").exists()

    # A chart of a summary is on the page too, with its caption.
    shutil.copy(charts / "summary/throughput.py", charts / "summary/rates.py")
    caption = project.folder / "workflow/report/rates.rst"
    caption.write_text("The caption of the added chart.")
    assert project.jobs() == {"plot_results": 1, "write_page": 1}
    project.run()
    page = (project.folder / "results/page/race/report.html").read_text()
    assert "The caption of the added chart." in page
