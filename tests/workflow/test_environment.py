"""pyproject.toml, the locks and environment.yml ask for the same packages."""

import re
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCK = (ROOT / "requirements.lock").read_text()
CLUSTER_LOCK = (ROOT / "requirements-cluster.lock").read_text()
FUZZ_LOCK = (ROOT / "requirements-fuzz.lock").read_text()

# What conda calls otherwise: its `snakemake` brings what the minimal one leaves to the user.
CONDA_NAMES = {"snakemake-minimal": "snakemake", "playwright-python": "playwright"}


def asked_for(*requirements):
    parsed = [Requirement(text) for text in requirements]
    return {canonicalize_name(each.name): each.specifier for each in parsed}


def locked(lock):
    lines = re.findall(r"^([\w.-]+)==([\w.]+)", lock, re.MULTILINE)
    versions = {}
    for name, version in lines:
        versions.setdefault(canonicalize_name(name), []).append(version)
    return versions


WANTED = asked_for(*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"])


def test_the_lock_has_all_that_is_asked_for():
    versions = locked(LOCK)
    for name, specifier in WANTED.items():
        assert all(specifier.contains(version) for version in versions[name]), name


def test_the_lock_for_clusters_adds_to_it_and_changes_nothing():
    versions, own = locked(CLUSTER_LOCK), locked(LOCK)
    for name, specifier in asked_for(*PROJECT["optional-dependencies"]["cluster"]).items():
        assert all(specifier.contains(version) for version in versions[name]), name
    shared = versions.keys() & own.keys()
    assert "snakemake-interface-executor-plugins" in shared
    assert {name: versions[name] for name in shared} == {name: own[name] for name in shared}


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [
        (LOCK, WANTED),
        (CLUSTER_LOCK, PROJECT["optional-dependencies"]["cluster"]),
        (FUZZ_LOCK, PROJECT["optional-dependencies"]["fuzz"]),
    ],
    ids=["core", "cluster", "fuzz"],
)
def test_every_locked_package_has_hashes(lock, wanted):
    entries = re.split(r"^(?=[\w.-]+==)", lock, flags=re.MULTILINE)[1:]
    assert len(entries) >= len(wanted)
    assert all("--hash=sha256:" in entry for entry in entries)


@pytest.mark.parametrize("lock", [LOCK, CLUSTER_LOCK, FUZZ_LOCK], ids=["core", "cluster", "fuzz"])
def test_the_locks_have_no_address(lock):
    assert "://" not in lock
    assert "index" not in lock


def test_conda_users_get_the_same():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    conda = asked_for(*environment["dependencies"])
    assert str(conda.pop("python")) == PROJECT["requires-python"]
    assert {CONDA_NAMES.get(name, name): spec for name, spec in conda.items()} == WANTED
