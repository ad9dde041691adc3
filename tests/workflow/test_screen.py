"""What a person at a terminal sees, through a real pseudo-terminal."""

import os
import re
import shutil
import signal
import sys
from pathlib import Path

import pytest

from tests.project import fault
from tools import terminal

pytestmark = pytest.mark.slow

ANSWER = "results/compare/race/answer.txt"


def at_a_terminal(project, *arguments, columns=80, watch=lambda text, process: None):
    """Run Snakemake at a terminal; give its exit status and all that is on the screen."""
    command = [sys.executable, "-m", "snakemake", *arguments]
    return terminal.run(command, project.folder, columns, watch, {"PYTHONDONTWRITEBYTECODE": ""})


def broken(project, line):
    """Make the runs' script begin to fail, once it has trained."""
    script = project.folder / "workflow/scripts/train.py"
    text = script.read_text()
    assert "stopped = trainer.run()" in text
    script.write_text(text.replace("stopped = trainer.run()", f"trainer.run(); {line}"))


def prepared(project):
    """The path of a prepared dataset's file, in the folder of these."""
    (path,) = project.folder.glob("results/prepare/*/columns.npy")
    return f"{path.parent.name}/{path.name}"


def test_a_race_from_its_plan_to_its_answer(project):
    project.edit_config(batch_size=[1, 32], budget={"seconds": 5})
    screens = []
    status, end = at_a_terminal(
        project, "--cores", "2", watch=lambda text, process: screens.append(text)
    )
    assert status == 0, end
    seen = "\n".join(screens)
    assert re.search(r"^race: \d+ jobs, 2 of them train a run for 5 s, 2 at once$", seen, re.M)
    assert re.search(
        r"0 of 2 runs done, [12] under way(, 1 waiting)?, about \d+ s of training left$", seen, re.M
    )
    shares = [
        int(share) for share in re.findall(r"^batch 32 +\|.*?\| +(\d+) %, loss \d", seen, re.M)
    ]
    assert len(set(shares)) >= 2
    assert shares == sorted(shares)
    assert re.search(r"^\d+ of \d+ jobs done, now: (.*, )?parse(,.*)?$", seen, re.M)
    assert re.search(r"^\d+ of \d+ jobs done, now: charts of ", seen, re.M)
    # At the end no progress is left, and no report of Snakemake.
    answer = (project.folder / ANSWER).read_text()
    assert " ".join(answer.split()) in " ".join(end.split())
    assert end.splitlines()[-3:] == [
        "page    results/page/race/report.html",
        "table   results/summarize/race/table.md",
        "charts  results/plot/race/",
    ]
    assert not re.search("under way|now:|rule|jobid|Select jobs", end)
    assert len(end.splitlines()) < 25
    assert not list(Path(project.folder, "results").rglob("progress.json"))
    # The log file is whole.
    (log,) = project.folder.glob(".snakemake/log/*.log")
    for report in ("Building DAG", "Select jobs", "localrule parse:", "Finished jobid", "100%"):
        assert report in log.read_text()
    assert answer.splitlines()[0] in log.read_text()

    # With nothing to do, that is said, with the answer.
    status, again = at_a_terminal(project, "--cores", "2")
    assert status == 0
    assert "Nothing to be done" in again
    assert again.splitlines()[-3:] == end.splitlines()[-3:]
    assert " ".join(answer.split()) in " ".join(again.split())

    # Of another configuration's results, or of none, nothing is shown.
    # (And --config is not taken for --configfile.)
    for arguments in (
        ("--until", "train", "--config", "seed=5"),
        ("results/prepare/" + prepared(project),),
    ):
        said = project.run(*arguments)
        assert answer not in said
        assert "page    results/" not in said


def test_runs_that_are_trained_again_have_bars(project):
    project.edit_config(batch_size=[1, 32], budget={"seconds": 5})
    project.run("--until", "train")
    screens = []
    status, end = at_a_terminal(
        project,
        *("--cores", "2", "--until", "train", "--forcerun", "train"),
        watch=lambda text, process: screens.append(text),
    )
    assert status == 0, end
    seen = "\n".join(screens)
    assert re.search(
        r"^0 of 2 runs done, [12] under way.*\n(batch 1 .*\n)?batch 32 +\|█", seen, re.M
    )


def test_the_error_of_a_run_is_seen_above_the_bars(project):
    project.edit_config(batch_size=[1, 32], budget={"seconds": 5})
    project.run("--until", "prepare")
    broken(project, "folder.with_name('x').rename('lost in the woods')")
    screens = []
    status, end = at_a_terminal(
        project, "--cores", "2", watch=lambda text, process: screens.append(text)
    )
    assert status == 1
    assert any(re.search(r"^batch 32 +\|█", text, re.M) for text in screens)
    assert max(map(len, end.splitlines())) <= 80
    assert "message: None" not in end
    # No word is broken that fits a line: paths of inputs, in a list.
    for name in ("columns.npy,", "train_images.npy,", "test_sparse.npz"):
        assert len(re.findall(rf"(?:^| )results/[\w/-]+/{name}(?:$| )", end, re.M)) == 2
    assert end.count("Traceback (most recent call last):") == 2
    assert end.count("FileNotFoundError: ") == 2
    for line in ("Error in rule train:", r"    log:\s+results/train/digits", "    jobid: "):
        assert len(re.findall(f"^{line}", end, re.M)) == 2
    assert "At least one job did not complete successfully." in end
    assert re.search(r"^Full log: \.snakemake/log/\S+\.log$", end, re.M)
    assert not re.search(r"under way|now:|\|█", end)


def test_what_a_job_writes_to_the_terminal_is_kept(project):
    project.edit_config(batch_size=[1], budget={"seconds": 6})
    project.run("--until", "prepare")
    script = project.folder / "workflow/scripts/train.py"
    text = script.read_text()
    write = "import os, threading; threading.Timer(2, os.write, (2, b'from the job\\n')).start()"
    script.write_text(text.replace("stopped = trainer.run()", f"{write}; stopped = trainer.run()"))
    screens = []
    at_a_terminal(
        project,
        *("--cores", "2", "--until", "train"),
        watch=lambda text, process: screens.append(text),
    )
    assert re.search(r"^from the job", screens[-1], re.M)
    # The bar was drawn again, below it.
    assert any(re.search(r"from the job.*\n.*under way.*\nbatch 1 \|", text) for text in screens)


def test_ctrl_c_is_answered(project):
    project.edit_config(batch_size=[1, 32], budget={"seconds": 60})
    pressed = []

    def press(text, process):
        if re.search(r"\|█", text) and not pressed:
            pressed.append(os.killpg(process.pid, signal.SIGINT))

    status, end = at_a_terminal(project, "--cores", "2", watch=press)
    assert status == 1
    assert "Terminating processes on user request" in end
    assert re.search(r"^train: interrupted \(SIGINT\)", end, re.M)
    assert "Error in rule" not in end
    assert not re.search(r"Traceback|under way|\|█", end)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Error: cores have to be specified for local execution"),
        (
            ("--cores", "2", "--configfile", "config/quikstart.yaml"),
            "--configfile: found no readable file config/quikstart.yaml, expected a YAML file",
        ),
        (
            ("--cores", "2", "--configfile=config"),
            "--configfile: found no readable file config, expected a YAML file",
        ),
        (
            ("--cores", "2", "results/parse/ok/test_images.npy"),
            "dataset: found ok in a target's path, expected one of mnist, ",
        ),
    ],
)
def test_a_command_that_cannot_be_obeyed_is_answered_in_one_line(project, arguments, message):
    status, end = at_a_terminal(project, *arguments, columns=120)
    assert status != 0
    first, *rest = end.splitlines()
    assert first.startswith("Using workflow specific profile")  # of Snakemake, before all else
    assert [line[: len(message)] for line in rest] == [message]


@pytest.mark.parametrize("targets", [(), ("--until", "train"), ("-n",)])
def test_too_many_threads_are_refused_once(project, targets):
    project.edit_config(threads=64)
    status, end = at_a_terminal(project, "--cores", "2", *targets, columns=300)
    assert end.count("threads: found 64, expected at most the ") == 1
    assert not (project.folder / "results").exists()
    if not targets:
        assert status == 1
        assert not fault(end)
        assert len(end.splitlines()) < 6


def test_threads_do_not_matter_to_what_trains_nothing(project):
    project.edit_config(threads=64)
    project.run("--until", "prepare")


def test_fewer_cores_than_threads_are_refused_once(project):
    project.edit_config(threads=2)
    said = project.refusal("--cores", "1")
    assert said.count("threads: found 2, expected at most the 1 that snakemake --cores gives") == 1
    assert not (project.folder / "results").exists()


def test_lines_without_a_terminal(project):
    project.edit_config(batch_size=[1, 32], budget={"seconds": None, "steps": 4})
    said = project.run(ANSWER)
    assert not re.search(r"[\x1b\r█]", said)
    assert "2 of them train a run" in said
    assert "Select jobs" not in said


def test_snakemakes_flags_bring_its_reports_back(project):
    project.edit_config(batch_size=32)
    assert "localrule parse:" in project.run("--until", "parse", "-p")
    assert "localrule prepare:" in project.run("--until", "prepare", "--no-hooks")
    assert "rule train:" in project.run("-n", ANSWER)
    assert project.run("--until", "prepare", "--quiet", "all").splitlines()[1:] == []


def test_another_workflow_keeps_its_reports(project):
    outer = project.folder.parent / "outer"
    outer.mkdir()
    (outer / "Snakefile").write_text(
        'rule mine:\n    default_target: True\n    output: "done"\n    shell: "touch {output}"\n'
        'module race:\n    snakefile: "../checkout/Snakefile"\n'
        "use rule parse from race as race_parse\n"
    )
    shutil.copy(project.folder / "config.yaml", outer)
    project.folder = outer
    assert "rule mine:" in project.run()
