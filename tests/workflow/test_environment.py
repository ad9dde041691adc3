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
DEV_LOCK = (ROOT / "requirements-dev.lock").read_text()
CLUSTER_LOCK = (ROOT / "requirements-cluster.lock").read_text()

# What conda calls otherwise: its `snakemake` brings what the minimal one leaves to the user.
CONDA_NAMES = {"snakemake-minimal": "snakemake"}


def asked_for(*requirements):
    parsed = [Requirement(text) for text in requirements]
    return {canonicalize_name(each.name): each.specifier for each in parsed}


def locked(lock):
    lines = re.findall(r"^([\w.-]+)==([\w.]+)", lock, re.MULTILINE)
    versions = {}
    for name, version in lines:
        versions.setdefault(canonicalize_name(name), []).append(version)
    return versions


WANTED = asked_for(*PROJECT["dependencies"])
DEV, CLUSTER = (asked_for(*PROJECT["optional-dependencies"][name]) for name in ("dev", "cluster"))


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [(LOCK, WANTED), (DEV_LOCK, WANTED | DEV), (CLUSTER_LOCK, CLUSTER)],
    ids=["run", "dev", "cluster"],
)
def test_a_lock_has_all_that_is_asked_for(lock, wanted):
    versions = locked(lock)
    for name, specifier in wanted.items():
        assert all(specifier.contains(version) for version in versions[name]), name


def test_what_runs_is_installed_without_what_develops():
    assert not locked(LOCK).keys() & DEV.keys() - {"packaging"}


@pytest.mark.parametrize("lock", [DEV_LOCK, CLUSTER_LOCK], ids=["dev", "cluster"])
def test_another_lock_adds_to_that_of_what_runs_and_changes_nothing(lock):
    versions, own = locked(lock), locked(LOCK)
    shared = versions.keys() & own.keys()
    assert "snakemake-interface-executor-plugins" in shared
    assert {name: versions[name] for name in shared} == {name: own[name] for name in shared}


def test_conda_users_get_the_same():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    conda = asked_for(*environment["dependencies"])
    assert str(conda.pop("python")) == PROJECT["requires-python"]
    assert {CONDA_NAMES.get(name, name): spec for name, spec in conda.items()} == WANTED


def test_each_place_has_the_same_version_and_date():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    version, date = re.search(r"^## (\d\S+) – (\S+)$", changelog, re.MULTILINE).groups()
    packaged = (ROOT / "workflow" / "VERSION").read_text(encoding="utf-8").strip()
    assert version == packaged == citation["version"]
    assert date == str(citation["date-released"])


def test_the_catalogue_gets_valid_keys():
    usage = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text("utf-8"))["usage"]
    assert set(usage) == {"mandatory-flags", "software-stack-deployment", "report"}
    assert usage["mandatory-flags"]["flags"] == ""
    assert (ROOT / "config" / "README.md").exists()
