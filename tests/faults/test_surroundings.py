"""A terminal that closes under nohup, a home that cannot be written to, no name, no file locks."""

import os
import shutil
import signal
import subprocess
import sys

import pytest

from batch_race.errors import OutputError
from batch_race.plan.sources import SCRIPTS
from batch_race.store.files import replacing
from tests.project import fault, scripts, wait_until

NAMELESS = 54_323

needs_root = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("setpriv"), reason="only root may become another user"
)


def test_nohup_outlives_the_terminal(project):
    project.edit_config(batch_size=32, budget={"seconds": 3.0, "steps": None})
    with subprocess.Popen(
        ["nohup", sys.executable, "-m", "snakemake", "--cores", "2", "--until", "train"],
        cwd=project.folder,
        env=project.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as snakemake:
        logs = "results/train/*/*/*/train.log"
        wait_until(lambda: scripts(snakemake.pid) and list(project.folder.glob(logs)), "a run")
        os.killpg(snakemake.pid, signal.SIGHUP)
        said, _ = snakemake.communicate(timeout=300)
    assert snakemake.returncode == 0, said
    assert len(list(project.folder.glob("results/train/*/*/*/history.parquet"))) == 1
    (log,) = project.folder.glob(logs)
    assert "interrupted" not in log.read_text(encoding="utf-8")


def as_nameless(project, *arguments, **variables):
    """Run Snakemake as a user without a name; return its exit status and what it prints."""
    for path in (project.folder.parent, *project.folder.parent.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)
    # It may read all files, as the interpreter of the tests may be in a folder of root's.
    command = [
        *("setpriv", "--reuid", str(NAMELESS), "--regid", str(NAMELESS), "--clear-groups"),
        *("--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search"),
        *(sys.executable, "-m", "snakemake", "--cores", "2", *arguments),
    ]
    names = ("HOME", "USER", "LOGNAME", "LNAME", "USERNAME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")
    environment = {key: each for key, each in project.environment.items() if key not in names}
    done = subprocess.run(
        command,
        cwd=project.folder,
        env=environment | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


@needs_root
def test_a_user_without_a_name_is_told_the_cure_which_works(project, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    status, said = as_nameless(project, "--dry-run", HOME=str(home))
    assert status != 0
    assert not fault(said), said
    assert f"USER: found none, and the user id {NAMELESS} has no name; expected a name, a" in said
    # The documented command, where HOME is not writable either.
    project.edit_config(batch_size=32)
    status, said = as_nameless(project, "--until", "compare", HOME=str(home), USER="me")
    assert status == 0, said
    assert (project.folder / "results/compare/race/answer.txt").exists()


@needs_root
@pytest.mark.parametrize("home", ["/proc", "/"])
def test_a_home_that_cannot_be_written_to(project, home):
    status, said = as_nameless(project, "--dry-run", HOME=home, USER="me")
    assert status != 0
    assert not fault(said), said
    assert f"HOME: found {home}, where Snakemake cannot write its cache (" in said
    assert "/.cache" in said
    # The documented cure, and the one that does not need a cache.
    cache = project.folder.parent / "cache"
    for options, variables in (
        ((), {"XDG_CACHE_HOME": str(cache)}),
        (("--shared-fs-usage", "persistence", "sources"), {}),
    ):
        variables |= {"HOME": home, "USER": "me"}
        status, said = as_nameless(project, "--dry-run", *options, **variables)
        assert status == 0, said


@needs_root
def test_no_home_at_all_ends_in_a_traceback_of_snakemake(project):
    """It needs one for its help text, before it reads a file of ours: the documentation says so."""
    status, said = as_nameless(project, "--dry-run", USER="me")
    assert status != 0
    assert "could not determine the home directory" in said


WITHOUT_LOCKS = "strace", "-f", "-qq", "--seccomp-bpf", "-e", "trace=flock", "-o", "/dev/null"

PROGRAM = """
import logging, sys
from pathlib import Path
from batch_race.store.files import locked, replacing
logging.basicConfig(stream=sys.stdout, format="%(message)s")
with locked(Path(sys.argv[1])):
    for text in ("one", "two"):
        with replacing(Path(sys.argv[1]) / "file.txt") as temporary:
            temporary.write_text(text, encoding="utf-8")
"""


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
@pytest.mark.parametrize("error", ["ENOSYS", "ENOLCK", "EOPNOTSUPP", "EBADF"])
def test_a_file_system_without_locks(tmp_path, error):
    (tmp_path / f".{16 * 'a'}.file.txt").touch()  # of a living process or a dead one
    done = subprocess.run(
        [
            *WITHOUT_LOCKS,
            "-e",
            f"inject=flock:error={error}",
            sys.executable,
            "-c",
            PROGRAM,
            tmp_path,
        ],
        cwd=SCRIPTS,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{tmp_path}: not locked, its file system has no locks (")
    assert done.stdout.count("\n") == 1
    assert (tmp_path / "file.txt").read_text(encoding="utf-8") == "two"
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
def test_a_workflow_on_a_file_system_without_locks(project):
    project.edit_config(batch_size=32)
    with subprocess.Popen(
        [
            *(*WITHOUT_LOCKS, "-e", "inject=flock:error=ENOSYS"),
            *(sys.executable, "-m", "snakemake", "--cores", "2", "--until", "compare"),
        ],
        cwd=project.folder,
        env=project.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as snakemake:
        said, _ = snakemake.communicate(timeout=300)
    assert snakemake.returncode == 0, said
    (log,) = project.folder.glob("results/train/*/*/*/train.log")
    assert "not locked, its file system has no locks (Function not" in log.read_text("utf-8")


def test_links_and_files_in_the_place_of_a_temporary_file_are_not_written_to(tmp_path, monkeypatch):
    """Its name cannot be guessed; here it is known."""
    monkeypatch.setattr("secrets.token_hex", lambda size: "abc")
    target = tmp_path / "target"
    target.write_text("kept", encoding="utf-8")
    path = tmp_path / "folder" / "file.txt"
    path.parent.mkdir()
    (path.parent / ".abc.file.txt").symlink_to(target)
    with (
        pytest.raises(OutputError, match=r"file.txt: cannot be written: File exists"),
        replacing(path) as temporary,
    ):
        temporary.write_text("new", encoding="utf-8")
    assert (path.parent / ".abc.file.txt").is_symlink()
    assert target.read_text(encoding="utf-8") == "kept"


def test_temporary_names_differ(tmp_path):
    names = set()
    for _ in range(3):
        with replacing(tmp_path / "file.txt") as temporary:
            names.add(temporary.name)
            temporary.touch()
    assert len(names) == 3
    assert all(len(name) > 20 for name in names)
