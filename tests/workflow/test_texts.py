"""No text of a user's is read as a pattern."""

import copy
import re
from xml.etree import ElementTree

import pytest
import yaml

from batch_race import hyperparameters
from batch_race.errors import InputError
from batch_race.plan import experiment
from tests.project import ROOT

TEXTS = [
    "Loss {nats}",
    "{",
    "}",
    "{} {0} } {{wildcards}} {wildcards.experiment} {config[title]} %s",
    "%(x)s $HOME ${x} $(x) `x` 'a' \"b\" \\ \\n a: b, [c], - f #g é 数 🏁",
]


def accepted(config, key, text):
    """Return whether a configuration may have a text for a key."""
    try:
        experiment.plan(copy.deepcopy(config) | {key: text})
    except InputError:
        return False
    return True


@pytest.mark.slow
@pytest.mark.parametrize("text", TEXTS)
def test_each_key_takes_a_text_as_it_is_or_refuses_it(project, text, monkeypatch):
    monkeypatch.chdir(project.folder)
    config = yaml.safe_load((project.folder / "config.yaml").read_text(encoding="utf-8"))
    keys = [
        key for key in hyperparameters.load_schema()["properties"] if accepted(config, key, text)
    ]
    assert "title" in keys
    assert "dataset" not in keys
    project.edit_config(**dict.fromkeys(keys, text))
    project.run("--dry-run")


def test_a_title_reaches_the_chart_as_it_is(project):
    title = "Loss {nats} {input} {{0}} %s <b>&amp; 'a' \"b\" \\ 数"
    project.edit_config(title=title, batch_size=32)
    chart = "results/plot/race/loss_by_seconds.svg"
    project.run(chart)
    texts = ElementTree.parse(project.folder / chart).getroot().itertext()
    assert title in " ".join(texts)  # a long title has several lines


def test_what_is_configured_becomes_a_parameter_in_one_way():
    """Snakemake reads a text, and texts in a list, as a pattern unless a function returns them."""
    found = []
    for path in ROOT.glob("workflow/rules/*.smk"):
        for block in re.findall(
            r"^ +params:\n((?: {8,}.*\n)+)", path.read_text(encoding="utf-8"), re.MULTILINE
        ):
            found += re.findall(r"^ {8}(?: {4})?(\w+)=(.*)", block, re.MULTILINE)
    assert len(found) > 30
    by_function = r"verbatim\(|lambda wildcards|(\w+),$"
    own = {"code", "engine", "version", "chart", "charts"}  # digests, versions, names of files
    assert {name for name, value in found if not re.match(by_function, value)} <= own
