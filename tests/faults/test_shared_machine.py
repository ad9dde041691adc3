"""A machine that is shared: with other users, hostile ones too, and in a group with a CPU quota."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from batch_race.plan.sources import SCRIPTS
from batch_race.run import claims, cores, quota
from batch_race.store import history
from tests.project import ROOT, scripts, wait_until
from tests.unit.run.test_contention import COMPUTE

pytestmark = pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity"), reason="this system pins no process to a core"
)

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may become other users")

ANN, BEN = 54_321, 54_322
"""Users without names."""

LEASE = """
import logging, os, sys
sys.path.insert(0, "workflow/scripts")
from batch_race.errors import InputError
from batch_race.run import cores
if user := int(sys.argv[1]):  # not before: it may not be allowed to read the modules
    os.setgroups([])
    os.setgid(user)
    os.setuid(user)
logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(message)s")
try:
    with cores.lease(cores.available()) as processors:
        sys.stdout.flush()
        sys.stdin.read()
except InputError as error:
    print(error)
"""


@pytest.fixture(autouse=True)
def leases_of_the_tests_own(monkeypatch):
    monkeypatch.setenv(cores.SPACE, f"test-{os.getpid()}")


@contextlib.contextmanager
def leasing(*before, user=0):
    """Lease all cores in a process, after commands; it prints what it logs."""
    process = subprocess.Popen(
        [*before, sys.executable, "-c", LEASE, str(user)],
        cwd=ROOT,
        umask=0o077,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@needs_root
def test_a_user_whose_files_nobody_may_read_shuts_nobody_out():
    with leasing(user=ANN) as first:
        assert first.stdout.readline().startswith("holding processor(s) ")
        with leasing(user=BEN) as second:
            assert second.stdout.readline() == (
                f"waiting for {cores.available()} free core(s), held by process {first.pid} of "
                f"user {ANN}, not timed\n"
            )
            first.kill()  # it cannot end its lease itself
            assert second.stdout.readline().startswith("holding processor(s) ")
    with leasing(user=ANN) as third:
        assert third.stdout.readline().startswith("holding processor(s) ")


@needs_root
def test_temporary_folders_that_cannot_be_used(tmp_path):
    """A lease writes no file, so a full or read-only disk and files of its name do not matter."""
    # In a namespace of its own, with the folder of an earlier version as it must not be.
    read_only = "mount --bind /tmp /tmp && mount -o remount,bind,ro /tmp && ! touch /tmp/x$$ && "
    isolated = "unshare", "-m", "sh", "-c", f'{read_only} exec "$@"', "sh"
    if subprocess.run([*isolated, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no namespace can be made, or /tmp not be mounted in one")
    with leasing(*isolated) as first:
        said = first.stdout.readline()
        while "touch: " in said:
            said = first.stdout.readline()
        assert said.startswith("holding processor(s) ")
        with leasing() as second:  # outside of the namespace
            assert f"held by process {first.pid} of root" in second.stdout.readline()


def test_a_process_that_never_lets_another_try_is_named():
    with (
        claims.claim(f"batch-race/{os.environ[cores.SPACE]}/turn"),
        leasing() as process,
    ):
        said = process.stdout.readline()
    assert said == (
        f"waiting until cores may be leased, held by process {os.getpid()} of "
        f"{psutil.Process().username()}, not timed\n"
    )


def test_a_held_name_is_avoided_by_another_name(monkeypatch):
    held = [
        claims.claim(f"batch-race/{os.environ[cores.SPACE]}/core-{core}")
        for core in cores.physical_cores(os.sched_getaffinity(0))
    ]
    monkeypatch.setenv(cores.SPACE, f"other-{os.getpid()}")
    with leasing() as process:
        assert process.stdout.readline().startswith("holding processor(s) ")
    for claimed in held:
        claimed.close()


def test_a_name_that_the_system_refuses(monkeypatch):
    monkeypatch.setenv(cores.SPACE, 200 * "x")
    with leasing() as process:
        said = process.communicate()[0]
    assert said.startswith("the lease 'batch-race/xxxx")
    assert said.endswith("/turn': cannot be made: AF_UNIX path too long\n")


@contextlib.contextmanager
def quota_group(n_cores):
    """Make a control group with a CPU quota; skip the test where none can be made."""
    root = Path("/sys/fs/cgroup")
    v1 = (root / "cpu").is_dir()
    folder = (root / "cpu" if v1 else root) / f"batch_race_{os.getpid()}"
    microseconds = str(int(100_000 * n_cores))
    try:
        folder.mkdir()
        if v1:
            (folder / "cpu.cfs_quota_us").write_text(microseconds)
        else:
            (folder / "cpu.max").write_text(f"{microseconds} 100000")
    except OSError as error:
        with contextlib.suppress(OSError):
            folder.rmdir()
        pytest.skip(f"no control group with a quota can be made: {error}")
    try:
        yield folder
    finally:
        # Whoever is left in it keeps it.
        for process in (folder / "cgroup.procs").read_text().split():
            with contextlib.suppress(OSError):
                (folder.parent / "cgroup.procs").write_text(process)
        folder.rmdir()


def test_a_quota_of_this_kernel_is_read():
    with quota_group(1.5) as group, leasing() as process:
        process.stdout.readline()
        (group / "cgroup.procs").write_text(str(process.pid))
        (found,) = [
            each for each in quota.quotas(Path(f"/proc/{process.pid}")) if group.name in each.path
        ]
    assert found.cores == 1.5


@pytest.mark.skipif(cores.available() < 2, reason="needs two cores")
def test_two_threads_that_a_quota_lets_take_turns_are_contended():
    """Their CPU time is that of one thread that was never disturbed."""
    with quota_group(1.0) as group:
        process = subprocess.Popen(
            [sys.executable, "-c", COMPUTE, "2"],
            cwd=SCRIPTS,
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout.readline() == "begun\n"
        (group / "cgroup.procs").write_text(str(process.pid))
        reasons, _ = process.communicate(timeout=60)
    assert "in 1." in reasons


@pytest.mark.skipif(cores.available() < 2, reason="needs two cores")
def test_runs_within_a_quota_take_turns(project):
    """With the CPU time of one core on two, one run is made at a time, and this is said."""
    budget = {"seconds": 1.0, "clock": "wall", "steps": None}
    project.edit_config(batch_size=[32, 64], budget=budget)
    with quota_group(1.5) as group:
        snakemake = project.start("--until", "train")
        (group / "cgroup.procs").write_text(str(snakemake.pid))
        most = 0

        def has_ended():
            nonlocal most
            with contextlib.suppress(psutil.NoSuchProcess):  # one has just ended
                training = [each for each in scripts(snakemake.pid) if "train" in each.cmdline()[1]]
                most = max(most, len(training))
            return snakemake.poll() is not None

        wait_until(has_ended, "the workflow's end")
        out, _ = snakemake.communicate()
    assert snakemake.returncode == 0, out
    assert out.count("allows the CPU time of 1.5 of 2 physical core(s): at most 1 run(s) of") == 1
    assert most == 1
    paths = list(project.folder.glob("results/train/**/history.parquet"))
    spans = sorted(span(path) for path in paths)
    assert len(spans) == 2
    assert spans[0][1] <= spans[1][0]


def span(path):
    """Return when a run was started and when it ended, in seconds since 1970."""
    wall_seconds = history.read(path)[0]["wall_seconds"][-1]
    ended = path.stat().st_mtime
    return ended - wall_seconds, ended
