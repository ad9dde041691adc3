"""No two runs share a core: real processes, real locks."""

import os
import re
import subprocess
import sys
import time

import pytest

from batch_race.errors import InputError
from batch_race.plan.sources import SCRIPTS
from batch_race.run import cores
from batch_race.run.quota import Quota

pytestmark = pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity"), reason="this system pins no process to a core"
)

HOLDER = """
import sys, time
from batch_race.run import cores
with cores.lease(int(sys.argv[1])) as processors:
    print(processors, flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def leases_of_the_tests_own(tmp_path, monkeypatch):
    monkeypatch.setenv(cores.SPACE, str(tmp_path)[-60:])


@pytest.fixture
def hold():
    """A function that starts a process that leases cores."""
    holders = []

    def start(count=1):
        holder = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(count)],
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


def test_the_process_is_pinned_and_unpinned_again():
    before = os.sched_getaffinity(0)
    with cores.lease(1) as (core,):
        assert os.sched_getaffinity(0) == {core}
    assert os.sched_getaffinity(0) == before


def test_processors_that_are_taken_away_meanwhile_end_no_run(monkeypatch):
    before = os.sched_getaffinity(0)
    gone = {max(before) + 1000}
    with cores.lease(1):
        pin = cores._pin
        monkeypatch.setattr(cores, "_pin", lambda _: pin(gone))
    os.sched_setaffinity(0, before)


def test_more_cores_than_are_available_are_refused():
    count = len(all_cores())
    with (
        pytest.raises(InputError, match=f"found {count + 1}, expected at most the {count} physi"),
        cores.lease(count + 1),
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
    for core, processor in expected.items():
        assert {core, processor} <= cores.siblings(processor, tmp_path)


@pytest.mark.parametrize(
    ("quota", "n_cores", "message"),
    [
        (3.0, 2, ""),
        (2.0, 2, ""),
        (1.5, 2, "cpu.max allows the CPU time of 1.5 of 2 physical core(s): at most 1 run(s) of"),
        (0.5, 2, "cpu.max allows the CPU time of 0.5 of 2 physical core(s): with less than one"),
        (0.5, 1, "cpu.max allows the CPU time of 0.5 of 1 physical core(s): with less than one"),
    ],
)
def test_a_quota_is_counted_and_stated(monkeypatch, quota, n_cores, message):
    monkeypatch.setattr(cores, "physical_cores", lambda _: {core: core for core in range(n_cores)})
    monkeypatch.setattr(
        cores, "quotas", lambda: [Quota(9.0, "a", "x"), Quota(quota, "b", "cpu.max")]
    )
    assert cores.available() == min(n_cores, max(1, int(quota)))
    assert cores.notice()[: len(message)] == message
    assert bool(cores.notice()) == bool(message)


def test_a_run_with_more_threads_than_its_quota_is_refused(monkeypatch):
    monkeypatch.setattr(cores, "physical_cores", lambda _: {0: 0, 1: 1})
    monkeypatch.setattr(cores, "quotas", lambda: [Quota(1.5, "b", "/x/cpu.max")])
    expected = (
        "threads: found 2, expected at most 1: /x/cpu.max allows this run the CPU time of 1.5"
    )
    with pytest.raises(InputError, match=re.escape(expected)), cores.lease(2):
        pass


def test_no_more_is_leased_than_a_group_may_use(monkeypatch):
    class WaitsError(Exception):
        pass

    def wait(seconds):
        raise WaitsError

    monkeypatch.setattr(cores, "quotas", lambda: [Quota(1.0, "a", "x")])
    with cores.lease(1):  # and this machine's other cores are free
        monkeypatch.setattr(time, "sleep", wait)
        with pytest.raises(WaitsError), cores.lease(1):
            pass
