"""A state is kept whatever happens while it is read, and a finished run until it is written.

Faults are real: errors of system calls injected by strace, a limit of open files, and signals that
arrive at a chosen moment. A patch that causes one goes to a module on which no result depends, so
that the repaired project resumes from the same checkpoint.
"""

import os
import shutil
import subprocess
import sys

import pytest

from batch_race.plan.sources import SCRIPTS
from batch_race.run import checkpoint
from batch_race.store import history
from nn.budget import Budget
from tests.project import ROOT, patched
from tests.unit.run.test_checkpoint import PER_EPOCH, state

READER = f"""
import os, resource, signal, sys
from pathlib import Path
from batch_race.errors import InputError
from batch_race.run import checkpoint
from batch_race.run.interruption import InterruptionError, SignalHandler
from batch_race.store import arrays
from nn.budget import Budget

def interrupt(*arguments):
    signals = SignalHandler()
    load = arrays.np.load
    def interrupted(*arguments, **options):
        os.kill(os.getpid(), signal.SIGTERM)
        return load(*arguments, **options)
    arrays.np.load = interrupted

def open_too_many(*arguments):
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))

folder, fault = Path(sys.argv[1]), sys.argv[2]
{{"interrupt": interrupt, "open_too_many": open_too_many}}.get(fault, lambda: None)()
try:
    found = checkpoint.latest(folder, Budget(steps=1000), {PER_EPOCH}, "here")
except (InterruptionError, InputError) as error:
    sys.exit(f"refused: {{error}}")
print(found.state.step if found else found)
"""


def read_in_a_child(folder, fault="", wrapper=()):
    return subprocess.run(
        [*wrapper, sys.executable, "-c", READER, str(folder), fault],
        cwd=SCRIPTS,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "run" / "60_seconds"
    checkpoint.save(folder, state(350), [], "here")
    return folder


def check_refused(folder, done, message):
    assert done.returncode == 1, done.stdout
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert read_in_a_child(folder).stdout == "350\n"
    assert [path.name for path in folder.iterdir()] == [checkpoint.path_of(folder, "here").name]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        ("read", "EIO", "Input/output error"),
        ("read", "ESTALE", "Stale file handle"),
        ("openat", "EIO", "Input/output error"),
        ("openat", "EMFILE", "Too many open files"),
        ("openat", "EACCES", "Permission denied"),
    ],
)
def test_a_checkpoint_that_cannot_be_read_now_is_not_taken_for_a_damaged_one(
    folder, call, error, message
):
    strace = shutil.which("strace")
    if not strace:
        pytest.skip("strace is not installed")
    path = str(checkpoint.path_of(folder, "here"))
    inject = ("-e", f"inject={call}:error={error}")
    wrapper = [strace, "-f", "-qq", "-o", "/dev/null", "-P", path, *inject]
    done = read_in_a_child(folder, wrapper=wrapper)
    check_refused(folder, done, f"{path}: cannot be read: {message}")


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("interrupt", "interrupted (SIGTERM) outside of training"),
        ("open_too_many", "cannot be read: Too many open files"),
    ],
)
def test_an_interruption_while_a_checkpoint_is_read_ends_the_run(folder, fault, message):
    check_refused(folder, read_in_a_child(folder, fault), message)


def test_what_is_in_a_checkpoints_place_is_not_waited_for(folder):
    path = checkpoint.path_of(folder, "here")
    for make, kind in ((os.mkfifo, "it is a FIFO"), (os.mkdir, "Is a directory")):
        kept = path.rename(path.with_name("kept"))
        make(path)
        done = read_in_a_child(folder)
        assert f"{path}: cannot be read: {kind}" in done.stderr
        (path.unlink if path.is_fifo() else path.rmdir)()
        kept.rename(path)


@pytest.mark.parametrize("content", [b"", b"no archive", None])
def test_a_checkpoint_that_is_not_understood_is_kept(folder, content, caplog):
    path = checkpoint.path_of(folder, "here")
    damaged = path.read_bytes()[:-40] if content is None else content
    for number in (1, 2):
        path.write_bytes(damaged)
        assert checkpoint.latest(folder, Budget(steps=1000), PER_EPOCH, "here") is None
        kept = path.with_name(f"{path.name}.kept-{number}")
        assert kept.name in caplog.text
        checkpoint.save(folder, state(10), [], "here")
        assert kept.read_bytes() == damaged
    checkpoint.discard(folder)
    assert not list(folder.iterdir())


def test_the_state_of_another_processor_is_not_replaced(folder):
    checkpoint.save(folder, state(20), [], "elsewhere")
    for fingerprint, step in (("here", 350), ("elsewhere", 20)):
        found = checkpoint.latest(folder, Budget(steps=1000), PER_EPOCH, fingerprint)
        assert found.state.step == step


TERM = "__import__('os').kill(__import__('os').getpid(), __import__('signal').SIGTERM)"


def one_run(project):
    project.edit_config(batch_size=32, budget={"seconds": 1.0})


def result(project):
    (path,) = project.folder.glob("results/train/digits-*/*/1_seconds/history.parquet")
    return history.read(path)[0]


def test_a_signal_after_the_last_step_costs_no_training(project):
    one_run(project)
    code = f"""
_write = ProgressFile.write
def write(self, progress):
    _write(self, progress)
    if progress.share >= 1:
        {TERM}
ProgressFile.write = write
"""
    with patched(project, "run/progress.py", code):
        assert "interrupted (SIGTERM) and saved at step" in project.refusal("--until", "train")
    check_resumed_at_its_end(project)


def check_resumed_at_its_end(project):
    (saved,) = project.folder.glob("results/train/digits-*/*/1_seconds/checkpoint-*.npz")
    before = saved.stat().st_mtime_ns
    project.run("--until", "train")
    table = result(project)
    assert table["training_seconds"][-1] >= 1.0
    text = (saved.parent / "train.log").read_text()
    assert f"resuming from step {table['step'][-1]}, {table['training_seconds'][-1]:.3f} s" in text
    assert before < (saved.parent / "history.parquet").stat().st_mtime_ns
    assert not list(saved.parent.glob("checkpoint*"))


REPORTS = """
from batch_race.run import contention
import os
_report = contention.Watch.report
def report(self):
    {fault}
    return _report(self)
contention.Watch.report = report
"""


def test_a_failure_after_the_last_step_costs_no_training(project):
    one_run(project)
    with patched(project, "store/logs.py", REPORTS.format(fault="raise OSError('no /proc')")):
        status, printed = project.snakemake("--until", "train")
        assert status != 0
        assert "no /proc" in printed
    check_resumed_at_its_end(project)


NARROWED = """
    def refuse(*arguments):
        raise OSError(22, "Invalid argument")
    os.sched_setaffinity = refuse
"""


@pytest.mark.parametrize("fault", [TERM, NARROWED.strip()], ids=["SIGTERM", "narrower cpuset"])
def test_a_finished_run_is_written_whatever_happens(project, fault):
    one_run(project)
    with patched(project, "store/logs.py", REPORTS.format(fault=fault)):
        project.run("--until", "train")
    assert result(project)["training_seconds"][-1] >= 1.0
    project.run("--until", "train")
    assert "resuming" not in next(project.folder.glob("results/train/*/*/*/train.log")).read_text()


def test_signals_are_recorded_to_the_end_of_the_process(project):
    """After the results are written, Snakemake would remove those of a job that fails."""
    one_run(project)
    code = f"""
_exit = ProgressFile.__exit__
def leave(self, *error):
    {TERM}
    _exit(self, *error)
ProgressFile.__exit__ = leave
"""
    with patched(project, "run/progress.py", code):
        project.run("--until", "train")
    assert result(project)["training_seconds"][-1] >= 1.0
