"""A full disk, no permission, no memory, no free core, a wrong date."""

import contextlib
import itertools
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import altair as alt
import numpy as np
import polars as pl
import psutil
import pytest

from batch_race.data import download, idx
from batch_race.errors import OutputError
from batch_race.report import theme
from batch_race.run import checkpoint, cores, progress
from batch_race.store import arrays, history, parquet
from batch_race.store.files import replacing
from nn.network import Weights
from nn.records import State
from tests.project import ROOT, fault, scripts, wait_until

needs_root = pytest.mark.skipif(
    not sys.platform.startswith("linux") or os.geteuid() != 0,
    reason="only root may mount a small disk",
)


@contextlib.contextmanager
def disk(folder, options):
    """Mount a disk in memory."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


RANDOM = np.random.default_rng(0)
NOISE = RANDOM.random(50_000)
WEIGHTS = Weights(*(RANDOM.random(shape, np.float32) for shape in ((785, 200), (201, 10))))
CHART = alt.layer(alt.Chart(pl.DataFrame({"x": NOISE[:3000]})).mark_point().encode(x="x"))


def fetch(path):
    download.fetch("requirements-dev.lock", "0" * 64, [str(ROOT)], path)


def write_text(path):
    with replacing(path) as temporary:  # as each script does
        temporary.write_text("page" * 20_000)


def draw(path):
    with replacing(path) as temporary:  # as draw_strokes.py does
        idx.write(temporary, RANDOM.integers(0, 256, 50_000, np.uint8))


WRITERS = {
    "drawn.gz": draw,
    "page.html": write_text,
    "download.gz": fetch,
    "array.npy": lambda path: arrays.write(path, NOISE),
    "weights.npz": lambda path: arrays.write_weights(path, WEIGHTS),
    "table.parquet": lambda path: parquet.write(path, pl.DataFrame({"x": NOISE})),
    "checkpoint-here.npz": lambda path: checkpoint.save(path.parent, State(WEIGHTS), [], "here"),
    "chart.svg": lambda path: theme.save(CHART, path),
    "chart.png": lambda path: theme.save(CHART, path),
    "chart.json": lambda path: theme.save(CHART, path),
}


@needs_root
@pytest.mark.parametrize("name", WRITERS)
def test_on_a_full_disk_the_old_file_is_kept_and_named(tmp_path, name):
    with disk(tmp_path / "disk", "size=20k") as folder:
        path = folder / "results" / name
        path.parent.mkdir()
        path.write_bytes(b"old")
        with pytest.raises(OutputError, match=f"{name}: cannot be written: (No space|is the disk)"):
            WRITERS[name](path)
        assert path.read_bytes() == b"old"
        assert [each.name for each in path.parent.iterdir()] == [name]


@pytest.mark.parametrize("name", WRITERS)
def test_at_the_limit_of_file_sizes_the_old_file_is_kept_and_named(tmp_path, name):
    path = tmp_path / "results" / name
    path.parent.mkdir()
    path.write_bytes(b"old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.raises(
            OutputError, match=f"{name}: cannot be written: (File too large|is the)"
        ):
            WRITERS[name](path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == b"old"
    assert [each.name for each in path.parent.iterdir()] == [name]


@needs_root
def test_a_workflow_on_a_full_disk_continues_when_there_is_space(project):
    results = project.folder / "results"
    with disk(results, "size=300k"):
        printed = project.refusal("--until", "train")
        assert "cannot be written: " in printed
        assert not list(results.glob("train/**/history.parquet"))
        subprocess.run(["mount", "-o", "remount,size=20m", results], check=True)
        project.run("--until", "train")
        assert len(list(results.glob("train/**/history.parquet"))) == 3


@needs_root
def test_a_read_only_results_folder(project):
    with disk(project.folder / "results", "ro"):
        printed = project.refusal("--until", "train")
    assert "Read-only file system: 'results/" in printed


def long_runs(project, **changes):
    steps = {"budget": {"seconds": None, "steps": 30_000}, "evaluation": {"every_steps": 1000}}
    project.edit_config(**({"batch_size": 32, "checkpoint_seconds": 0.2} | steps | changes))


def test_results_removed_during_a_run(project):
    long_runs(project)
    snakemake = project.start("--until", "train")
    checkpoints = "results/train/*/*/*/checkpoint-*.npz"
    wait_until(lambda: list(project.folder.glob(checkpoints)), "a checkpoint")
    shutil.rmtree(project.folder / "results")
    out, _ = snakemake.communicate(timeout=120)
    assert snakemake.returncode == 0, out
    (path,) = project.folder.glob("results/train/*/*/*/history.parquet")
    assert history.read(path)[0]["step"][-1] == 30_000
    before = path.read_bytes()
    project.run("--until", "train")  # makes the data again, and then the run
    assert history.read(path)[0]["step"][-1] == 30_000
    assert path.read_bytes() != before


def lose_a_run(project, narrow):
    """Take memory from one of two runs; return what Snakemake prints."""
    long_runs(project, hidden_nodes=[2000, 20], budget={"seconds": None, "steps": 300})
    snakemake = project.start("--until", "train")

    def wide_run():
        for process in scripts(snakemake.pid):
            with contextlib.suppress(psutil.Error):
                if any("nodes_2000" in file.path for file in process.open_files()):
                    return process
        return None

    narrow(wait_until(wide_run, "the wide run"))
    out, _ = snakemake.communicate(timeout=120)
    assert snakemake.returncode != 0
    assert "Traceback" not in out, out
    (finished,) = project.folder.glob("results/train/**/history.parquet")
    assert "nodes_20-" in str(finished)
    return out


def check_next_command(project):
    project.run("--until", "train")
    assert len(list(project.folder.glob("results/train/**/history.parquet"))) == 2


@pytest.mark.skipif(not hasattr(psutil.Process, "rlimit"), reason="no limits on other processes")
def test_a_run_without_memory_is_named_and_the_others_finish(project):
    printed = lose_a_run(project, lambda run: run.rlimit(psutil.RLIMIT_AS, (1 << 20, 1 << 20)))
    # NumPy's message or the kernel's, depending on what needed the memory.
    assert re.search(r"ERROR (out of memory|.*cannot be read: Cannot allocate memory)", printed), (
        printed
    )
    check_next_command(project)


@contextlib.contextmanager
def memory_group(limit_bytes):
    """Make a control group in which the kernel kills processes that need more memory."""
    root = Path("/sys/fs/cgroup")
    # Version 1 has a tree per resource, version 2 one tree.
    v1 = (root / "memory").is_dir()
    folder = (root / "memory" if v1 else root) / f"batch_race_{os.getpid()}"
    try:
        folder.mkdir()
        name = "memory.limit_in_bytes" if v1 else "memory.max"
        (folder / name).write_text(str(limit_bytes))
    except OSError as error:
        with contextlib.suppress(OSError):
            folder.rmdir()
        pytest.skip(f"no control group can be made: {error}")
    try:
        yield folder
    finally:
        folder.rmdir()


def test_a_run_that_the_kernel_kills_for_memory_is_recognized(project):
    with memory_group(8 << 20) as group:
        printed = lose_a_run(project, lambda run: (group / "cgroup.procs").write_text(str(run.pid)))
    assert "died with <Signals.SIGKILL: 9>" in printed
    assert "Meanwhile the kernel has killed 1 of this machine's processes for lack of" in printed
    check_next_command(project)


def test_runs_wait_for_a_free_core_and_write_it(project):
    with cores.lease(cores.available()):
        snakemake = project.start("--until", "train")
        wait_until(lambda: scripts(snakemake.pid), "a script")
        path = f"results/train/**/{progress.NAME}"
        file = wait_until(lambda: next(project.folder.glob(path), None), path)
        time.sleep(1)
        assert progress.read(file.parent).share is None  # it waits
        assert not list(project.folder.glob("results/train/**/history.parquet"))
    out, _ = snakemake.communicate(timeout=120)
    assert snakemake.returncode == 0, out
    assert len(list(project.folder.glob("results/train/**/history.parquet"))) == 3


def test_a_second_workflow_in_the_same_folder_is_refused(project):
    long_runs(project, budget={"seconds": 60})
    first = project.start("--until", "train")
    wait_until(lambda: scripts(first.pid), "a script")
    printed = project.refusal("--until", "train")
    assert "Directory cannot be locked. Please make sure that no other Snakemake process" in printed
    assert first.poll() is None
    os.killpg(first.pid, signal.SIGTERM)
    first.communicate(timeout=60)


def test_a_path_with_spaces_and_letters_of_other_alphabets(project):
    # And a newline, and a byte that is no letter in UTF-8.
    name = "Ünï cödé 数 'x' %s $HOME\n\udcff"
    project.folder = project.folder.rename(project.folder.with_name(name))
    project.edit_config(batch_size=32)
    said = project.run()
    assert not fault(said), said
    assert list(project.folder.glob("results/page/race/report.html"))


def test_a_path_with_braces(project):
    """Snakemake reads the paths of rules as patterns; those of results are relative."""
    place = project.folder.with_name("{results}")
    place.mkdir()
    (place / "config.yaml").symlink_to(project.folder / "config.yaml")
    project.run("--directory", str(place), "--until", "parse")
    assert list(place.glob("results/parse/*/train_images.npy"))
    project.folder = project.folder.rename(project.folder.with_name("{workflow}"))
    said = project.refusal()
    assert "{workflow}/workflow/rules: found braces, which Snakemake reads as a pattern" in said


CLOCKED = """
import time
from nn.stopwatch import Clock, Stopwatch
watch = Stopwatch(Clock())
date = time.time()
watch.start()
until = time.perf_counter() + 1  # faketime breaks sleep
while time.perf_counter() < until:
    pass
watch.stop()
print(time.time() - date, watch.training_seconds, watch.wall_seconds)
"""


@pytest.mark.skipif(not shutil.which("faketime"), reason="faketime is not installed")
@pytest.mark.parametrize("speed", ["x100", "x0.01"])
def test_the_stopwatch_does_not_use_the_date(speed):
    """The date, but not the monotonic clock, runs a hundred times as fast or as slow."""
    environment = os.environ | {"FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1"}
    done = subprocess.run(
        ["faketime", "-f", f"+0 {speed}", sys.executable, "-c", CLOCKED],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    date, training, wall = map(float, done.stdout.split())
    assert date > 20 or date < 0.1  # the date was really changed
    assert 1 <= training <= wall < 5


@pytest.mark.skipif(not shutil.which("faketime"), reason="faketime is not installed")
def test_a_workflow_while_the_date_is_set_back_and_forth(project, tmp_path, monkeypatch):
    preload = subprocess.run(
        ["faketime", "-f", "+0", "printenv", "LD_PRELOAD"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    offset = tmp_path / "offset"
    offset.write_text("+0")
    monkeypatch.setenv("LD_PRELOAD", preload)
    monkeypatch.setenv("FAKETIME_TIMESTAMP_FILE", str(offset))
    monkeypatch.setenv("FAKETIME_NO_CACHE", "1")
    for name in ("FAKETIME_DONT_FAKE_MONOTONIC", "DONT_FAKE_MONOTONIC"):
        monkeypatch.setenv(name, "1")
    project.edit_config(batch_size=32, budget={"seconds": 2.0})
    # Snakemake's plugin for Slurm, where it is installed, asks this when it is imported, and waits
    # for the answer until a date.
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "scontrol").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "bin" / "scontrol").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    # Leases of its own, so that no run waits for a core: faketime breaks sleep.
    monkeypatch.setenv(cores.SPACE, str(os.getpid()))
    began = time.monotonic()
    snakemake = project.start("results/compare/race/answer.txt")
    monkeypatch.delenv("LD_PRELOAD")
    days = itertools.cycle([-1, 400, -3, 2])
    while snakemake.poll() is None:
        if list(project.folder.glob("results/train/*/*/*/train.log")):
            offset.write_text(f"{next(days):+d}d")
        time.sleep(0.3)
    seconds = time.monotonic() - began
    out, _ = snakemake.communicate()
    assert not fault(out), out
    log = next(project.folder.glob("results/train/*/*/*/train.log")).read_text()
    assert len(set(re.findall(r"^\d{4}-\d\d-\d\d", log, re.M))) > 1  # the date was really set
    # Snakemake refuses outputs that seem older than their inputs. The next command continues, once
    # no file is dated in the future.
    assert (snakemake.returncode != 0) == ("has older modification time" in out), out
    offset.write_text("+0")
    now = time.time()
    for path in (project.folder / "results").rglob("*"):
        if path.stat().st_mtime > now:
            os.utime(path, (now, now))
    project.run("results/compare/race/answer.txt")
    (path,) = project.folder.glob("results/train/*/*/*/history.parquet")
    table, _ = history.read(path)
    assert table["training_seconds"].is_sorted()
    assert 2 <= table["training_seconds"][-1] <= table["wall_seconds"][-1] < seconds
    assert project.jobs("results/compare/race/answer.txt") == {}


def test_no_duration_is_computed_from_the_date():
    sources = [*ROOT.glob("nn/**/*.py"), *ROOT.glob("workflow/scripts/**/*.py")]
    assert len(sources) > 100
    for path in sources:
        # Nothing is timed there: files have dates, and the page says when it was written.
        if path.parent.name == "plan" or path.name == "write_page.py":
            continue
        text = path.read_text()
        assert "time.time(" not in text, path
        assert "datetime" not in text, path
