"""No two runs share a core: real processes, real locks."""

import os
import subprocess
import sys
import time

import pytest

from batch_race.errors import InputError
from batch_race.plan.sources import SCRIPTS
from batch_race.run import cores

pytestmark = pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity"), reason="this system pins no process to a core"
)

HOLDER = """
import sys, time
from pathlib import Path
from batch_race.run import cores
with cores.lease(int(sys.argv[2]), Path(sys.argv[1])) as processors:
    print(processors, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def hold(tmp_path):
    """A function that starts a process that leases cores, with locks of the test's own."""
    holders = []

    def start(count=1):
        holder = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(tmp_path / "locks"), str(count)],
            cwd=SCRIPTS,
            stdout=subprocess.PIPE,
            text=True,
        )
        holders.append(holder)
        return holder

    yield start
    for holder in holders:
        holder.kill()
        holder.communicate()


def all_cores():
    return list(cores.physical_cores(os.sched_getaffinity(0)).values())


def test_each_process_has_its_own_core(hold):
    holders = [hold() for _ in all_cores()]
    held = [eval(holder.stdout.readline()) for holder in holders]
    assert sorted(held) == [[core] for core in all_cores()]
    for holder, (core,) in zip(holders, held, strict=True):
        assert os.sched_getaffinity(holder.pid) == {core}


def test_a_process_waits_until_another_has_ended(hold):
    first, *_ = holders = [hold() for _ in all_cores()]
    for holder in holders:
        holder.stdout.readline()
    waiting = hold()
    time.sleep(1)
    assert waiting.poll() is None
    first.kill()  # SIGKILL: it cannot release the lease itself
    started = time.monotonic()
    assert waiting.stdout.readline()
    assert time.monotonic() - started < 5


def test_a_run_of_many_threads_leases_all_or_none(hold):
    count = len(all_cores())
    first = hold(1)
    first.stdout.readline()
    large = hold(count)
    time.sleep(0.5)
    # While it waits, it holds no core, so that others can run.
    others = [hold(1) for _ in range(count - 1)]
    for other in others:
        assert other.stdout.readline()
    for holder in (first, *others):
        holder.kill()
    assert sorted(eval(large.stdout.readline())) == all_cores()


def test_the_process_is_pinned_and_unpinned_again(tmp_path):
    before = os.sched_getaffinity(0)
    with cores.lease(1, tmp_path / "locks") as (core,):
        assert os.sched_getaffinity(0) == {core}
    assert os.sched_getaffinity(0) == before


def test_more_cores_than_are_available_are_refused(tmp_path):
    count = len(all_cores())
    with (
        pytest.raises(InputError, match=f"found {count + 1}, expected at most the {count} physi"),
        cores.lease(count + 1, tmp_path / "locks"),
    ):
        pass


@pytest.mark.parametrize(
    ("siblings", "allowed", "expected"),
    [
        # Four processors on two cores, numbered in both ways that Linux has.
        ({0: "0,2", 1: "1,3", 2: "0,2", 3: "1,3"}, {0, 1, 2, 3}, {0: 0, 1: 1}),
        ({0: "0-1", 1: "0-1", 2: "2-3", 3: "2-3"}, {0, 1, 2, 3}, {0: 0, 2: 2}),
        # In an allocation, a core has the same name as outside of it.
        ({2: "0,2", 3: "1,3"}, {2, 3}, {0: 2, 1: 3}),
        ({}, {4, 7}, {4: 4, 7: 7}),
    ],
)
def test_logical_processors_share_physical_cores(tmp_path, siblings, allowed, expected):
    for processor, text in siblings.items():
        folder = tmp_path / f"cpu{processor}" / "topology"
        folder.mkdir(parents=True)
        (folder / "thread_siblings_list").write_text(f"{text}\n")
    assert cores.physical_cores(allowed, tmp_path) == expected
