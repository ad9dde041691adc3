"""The resources that a run requests from a batch system."""

import pytest

from batch_race.errors import InputError
from batch_race.plan import allocation


def specification(seconds=60.0, clock="training", time_fraction=0.5, hidden_nodes=200, threads=1):
    return {
        "budget": {"seconds": seconds, "clock": clock},
        "evaluation": {"time_fraction": time_fraction},
        "hidden_nodes": hidden_nodes,
        "threads": threads,
    }


@pytest.mark.parametrize(
    ("changes", "attempt", "minutes"),
    [
        ({}, 1, 2 + 5),  # as long again for evaluation, and the margin
        ({}, 2, 2 * (2 + 5)),
        ({"time_fraction": 0.75}, 1, 4 + 5),
        ({"seconds": 61.0}, 1, 3 + 5),  # rounded up to whole minutes
        ({"time_fraction": None}, 1, 2 + 5),  # evaluated at fixed intervals
        ({"clock": "wall"}, 1, 1 + 5),  # the budget includes evaluation
        ({"clock": "wall", "time_fraction": None, "seconds": 3600.0}, 2, 2 * (60 + 5)),
        ({"seconds": None}, 1, 60),
        ({"seconds": None}, 3, 180),
    ],
)
def test_the_time_is_the_budget_with_a_margin(changes, attempt, minutes):
    assert allocation.runtime_minutes(specification(**changes), attempt) == minutes


def test_memory_grows_with_the_weights_and_the_threads():
    assert 1000 < allocation.memory_mb(specification()) < 1010
    # The measured maxima, without Snakemake: 540 MB and 787 MB, of which 82 are Python's.
    wide = {"hidden_nodes": 20_000}
    assert allocation.memory_mb(specification(**wide)) >= 1000 + 540 - 82
    assert allocation.memory_mb(specification(**wide, threads=2)) >= 1000 + 787 - 82


class Settings:
    def __init__(self, status_command):
        self.status_command = status_command


@pytest.fixture
def scontrol(tmp_path, monkeypatch):
    """A function that replaces Slurm's scontrol by a program that prints a configuration."""

    def replace(accounting, min_job_age=300):
        program = tmp_path / "scontrol"
        program.write_text(
            f"#!/bin/sh\n"
            f"echo 'AccountingStorageType   = accounting_storage/{accounting}'\n"
            f"echo 'MinJobAge               = {min_job_age} sec'\n"
        )
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    return replace


@pytest.mark.parametrize("accounting", ["none", "slurmdbd"])
@pytest.mark.parametrize("command", ["sacct", "squeue"])
def test_sacct_is_refused_without_accounting(scontrol, accounting, command):
    scontrol(accounting)
    if accounting == "none" and command == "sacct":
        message = (
            "found sacct on a cluster without accounting .* give --slurm-status-command squeue"
        )
        with pytest.raises(InputError, match=message):
            allocation.check_executor(Settings(command))
    else:
        allocation.check_executor(Settings(command))


@pytest.mark.parametrize("min_job_age", [0, 60, 150, 180])
def test_squeue_is_refused_where_jobs_are_forgotten_between_polls(scontrol, min_job_age):
    scontrol("none", min_job_age)
    message = rf"^MinJobAge, .*: found {min_job_age} s, expected more than 180 s"
    with pytest.raises(InputError, match=message):
        allocation.check_executor(Settings("squeue"))
    scontrol("slurmdbd", min_job_age)
    allocation.check_executor(Settings("squeue"))


@pytest.mark.parametrize("min_job_age", [181, 300])
def test_squeue_is_accepted_where_jobs_are_remembered(scontrol, min_job_age):
    scontrol("none", min_job_age)
    allocation.check_executor(Settings("squeue"))


def test_other_executors_are_accepted():
    allocation.check_executor(None)
    allocation.check_executor(object())


@pytest.mark.parametrize(
    ("threads", "given", "found"),
    [
        ([1, 2], 2, None),
        ([], 1, None),
        ([1, 64], 2, "found 64, expected at most the 2 physical core"),
        ([1, 64], None, "found 64, expected at most the 2 physical core"),
        ([1, 2], 1, "found 2, expected at most the 1 that snakemake --cores gives"),
        ([2], None, None),  # a dry run is given no cores
    ],
)
def test_no_run_has_more_threads_than_cores(threads, given, found):
    specifications = [{"threads": each} for each in threads]
    if found is None:
        allocation.check_threads(specifications, 2, given)
        return
    with pytest.raises(InputError, match=f"^threads: {found}"):
        allocation.check_threads(specifications, 2, given)
