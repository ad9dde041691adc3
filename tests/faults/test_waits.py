"""Waits that say what they wait for, and files that never end."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from batch_race.data import download
from batch_race.data.transfer import Checksums
from batch_race.plan.sources import SCRIPTS
from batch_race.store import files
from tests.project import wait_until

HOLDER = """
import sys, time
from pathlib import Path
from batch_race.store.files import locked
with locked(Path(sys.argv[1])):
    print("locked", flush=True)
    time.sleep(float(sys.argv[2]))
"""


def hold(folder, seconds):
    """Lock a folder in another process for a time."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder), str(seconds)],
        cwd=SCRIPTS,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout.readline() == "locked\n"
    return holder


@pytest.mark.parametrize(("silent_seconds", "is_said"), [(0.2, True), (60, False)])
def test_a_locked_folder_is_named_with_the_process(tmp_path, monkeypatch, silent_seconds, is_said):
    monkeypatch.setattr(files, "SILENT_SECONDS", silent_seconds)
    messages = []
    with hold(tmp_path / "run", 1.5) as holder, files.locked(tmp_path / "run", messages.append):
        holder.wait()
    assert len(messages) == is_said
    if is_said:
        assert messages[0].startswith(f"{tmp_path}/run: waiting for ")
        if Path("/proc/locks").exists():
            assert f"process {holder.pid} (python" in messages[0]


def test_a_run_that_another_process_finished_meanwhile_is_not_trained_again(project):
    seconds = 20
    project.edit_config(batch_size=32, budget={"seconds": seconds})
    project.run("--until", "prepare")
    log = project.folder.parent / "second.log"
    command = ("--nolock", "--until", "train", "--cores", "2")
    with project.started(*command) as first:
        runs = project.folder / "results" / "train"
        wait_until(lambda: list(runs.glob("*/*/*/progress.json")), "the first run")
        with project.started(*command) as second:
            status, said = first.finish(120)
            assert status == 0, said
            (path,) = runs.glob("*/*/*/history.parquet")
            written = path.read_bytes()  # another training would take other seconds
            status, said = second.finish(120)
            assert status == 0, said
    assert path.read_bytes() == written
    assert f"{seconds}_seconds: waiting for process " in said, log
    assert "finished by another process meanwhile" in (path.parent / "train.log").read_text()


@pytest.mark.parametrize("target", [None, "/dev/zero"])
def test_a_file_of_a_mirror_that_never_ends(tmp_path, target):
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    if target is None:
        os.mkfifo(mirror / "file.gz")
    else:
        (mirror / "file.gz").symlink_to(target)
    started = time.monotonic()
    with pytest.raises(download.DownloadError, match=r"it is a (FIFO|device), expected a regular"):
        download.fetch("file.gz", Checksums("0" * 64), [str(mirror)], tmp_path / "out")
    assert time.monotonic() - started < 5
    assert not (tmp_path / "out").exists()


BOMB = "a: &a {x: 1}\n" + "".join(
    f"{name}: &{name} {{{', '.join(f'{key}: *{before}' for key in 'stuvwxyz')}}}\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("config", "seed: 1\nseed: 2\n", ", line 2: found the key 'seed' again, expected it once"),
        ("config", None, ": cannot be read: it is a FIFO, expected a regular file"),
        ("own", "budget: &b {x: *b}\n", ", line 1: found a value that contains itself"),
        ("own", BOMB, ", line 8: found more than 1,000,000 values, counted by aliases"),
        ("own", None, ": cannot be read: it is a FIFO, expected a regular file"),
    ],
)
def test_a_configuration_file_is_checked_before_it_is_read(project, name, text, message):
    """Snakemake itself reads one that --configfile names, before the workflow can check it."""
    path = project.folder / f"{name}.yaml"
    path.unlink(missing_ok=True)
    if text is None:
        os.mkfifo(path)
    else:
        path.write_text(text)
    options = () if name == "config" else ("--configfile", "own.yaml")
    started = time.monotonic()
    said = project.refusal("--dry-run", *options)
    assert time.monotonic() - started < 60
    assert f"{name}.yaml{message}" in said
    assert len(said) < 1000


def test_a_configuration_file_is_checked_wherever_snakemake_is_called(project):
    elsewhere = project.folder.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "own.yaml").write_text(BOMB)
    checkout = project.folder
    project.folder = elsewhere
    profile = str(checkout / "profiles" / "default")
    for option in ("--workflow-profile", profile), ():
        said = project.refusal(
            *("--dry-run", "--snakefile", str(checkout / "Snakefile"), *option),
            *("--configfile", "own.yaml"),
        )
        assert "own.yaml, line 8: found more than 1,000,000 values" in said
