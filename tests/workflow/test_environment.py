"""pyproject.toml, requirements.lock and environment.yml ask for the same packages."""

import re
import tomllib

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCK = (ROOT / "requirements.lock").read_text()
CLUSTER_LOCK = (ROOT / "requirements-cluster.lock").read_text()

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


def test_every_locked_package_has_hashes():
    entries = re.split(r"^(?=[\w.-]+==)", LOCK, flags=re.MULTILINE)[1:]
    assert len(entries) > len(WANTED)
    assert all("--hash=sha256:" in entry for entry in entries)


def test_the_lock_has_no_address():
    assert "://" not in LOCK
    assert "index" not in LOCK


def test_conda_users_get_the_same():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    conda = asked_for(*environment["dependencies"])
    assert str(conda.pop("python")) == PROJECT["requires-python"]
    assert {CONDA_NAMES.get(name, name): spec for name, spec in conda.items()} == WANTED
