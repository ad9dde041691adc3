"""CPU quotas are found in control groups of both versions, in containers and outside."""

import pytest

from batch_race.run.quota import quotas


@pytest.fixture
def process(tmp_path):
    """A function that writes what Linux shows of a process's control groups."""

    def write(groups, mounts, files):
        folder = tmp_path / "proc"
        folder.mkdir()
        (folder / "cgroup").write_text("".join(f"{line}\n" for line in groups))
        lines = [line.replace("MOUNT", str(tmp_path / "mount\\040point")) for line in mounts]
        (folder / "mountinfo").write_text("".join(f"{line}\n" for line in lines))
        (tmp_path / "mount point").mkdir()
        for name, text in files.items():
            path = tmp_path / "mount point" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{text}\n")
        return folder

    return write


V2 = "30 20 0:25 / MOUNT rw,nosuid - cgroup2 cgroup2 rw,nsdelegate"
V1 = "33 32 0:29 / MOUNT rw - cgroup cgroup rw,cpu,cpuacct"
CASES = {
    "version 2": (["0::/a/b"], [V2], {"a/b/cpu.max": "150000 100000"}, [1.5]),
    "no quota": (["0::/a/b"], [V2], {"a/b/cpu.max": "max 100000"}, []),
    "those above": (
        ["0::/a/b"],
        [V2],
        {"a/b/cpu.max": "200000 100000", "a/cpu.max": "50000 100000", "c/cpu.max": "1 100000"},
        [2.0, 0.5],
    ),
    "in a container of its own namespace": (["0::/"], [V2], {"cpu.max": "100000 100000"}, [1.0]),
    "of a group outside of what is mounted": (
        ["0::/../x"],
        [V2.replace(" / ", " /y ")],
        {"cpu.max": "100000 100000"},
        [1.0],
    ),
    "version 1": (
        ["5:cpu,cpuacct:/a", "4:memory:/m", "0::/"],
        [V1, "1 1 0:1 / /nowhere rw - cgroup cgroup rw,memory"],
        {"a/cpu.cfs_quota_us": "100000", "a/cpu.cfs_period_us": "50000"},
        [2.0],
    ),
    "version 1 in a container": (
        ["5:cpu,cpuacct:/docker/1"],
        [V1.replace(" / ", " /docker/1 ")],
        {"cpu.cfs_quota_us": "100000", "cpu.cfs_period_us": "100000"},
        [1.0],
    ),
    "version 1 without a quota": (
        ["5:cpu:/a"],
        [V1],
        {"a/cpu.cfs_quota_us": "-1", "a/cpu.cfs_period_us": "100000"},
        [],
    ),
    "another controller's group": (
        ["5:cpuset:/a"],
        [V1.replace("cpu,cpuacct", "cpuset")],
        {"a/cpu.cfs_quota_us": "1", "a/cpu.cfs_period_us": "100000"},
        [],
    ),
    "what is no quota": (["0::/a"], [V2], {"a/cpu.max": "1 2 3"}, []),
}


@pytest.mark.parametrize("case", CASES)
def test_quotas_are_found(process, case):
    groups, mounts, files, expected = CASES[case]
    assert [quota.cores for quota in quotas(process(groups, mounts, files))] == expected


def test_a_group_has_one_name(process):
    folder = process(["0::/a"], [V2, V2], {"a/cpu.max": "1000 1000", "cpu.max": "2000 1000"})
    found = quotas(folder)
    assert len({quota.group for quota in found}) == 2
    assert all("cpu.max" in quota.path for quota in found)


def test_another_system_has_none(tmp_path):
    assert quotas(tmp_path) == []
