"""The parts of the page (tests/workflow/test_page.py opens it in a browser)."""

import tomllib

import yaml

from batch_race.analyze.statistics import summarize
from batch_race.report import page
from tests.conftest import ROOT
from tests.curves import falling, measured
from tests.project import DEFAULTS


def test_captions_have_no_markup():
    for path in (ROOT / "workflow" / "report").glob("*_*.rst"):
        text = page.caption(path.read_text("utf-8"), "my-race", "wall")
        assert not {"{", "}", "*"} & set(text)
        assert ("my-race" in text) == ("experiment" in path.read_text("utf-8"))


def test_a_caption_is_filled_in():
    text = (
        "Of **{{ snakemake.wildcards.experiment }}**, *wall* or **{{ snakemake.params.clock }}**."
    )
    assert page.caption(text, "<b>", "training") == "Of <b>, wall or training."


def test_the_configuration_is_that_of_the_runs():
    swept = DEFAULTS | {"budget": {"seconds": 60.0}, "evaluation": {"time_fraction": 0.5}}
    runs = [
        {"specification": swept | {"batch_size": size, "seed": seed}}
        for size in (8, 32)
        for seed in (1, 2)
    ]
    summary = summarize(measured(falling(10), {"loss": [1.0, 0.5], "accuracy": [90]}, "training"))
    read = yaml.safe_load(page.configuration(runs, summary))
    assert read["batch_size"] == [8, 32]
    assert read["seed"] == [1, 2]
    assert read["hidden_nodes"] == 200
    assert read["budget"] == {"seconds": 60}
    assert read["targets"] == {"loss": [1.0, 0.5], "accuracy": [90]}


def test_the_parts_of_a_concatenated_chart_become_single_charts():
    data = {"a": [{"x": 1}], "b": [{"x": 2}], "c": []}
    parts = [{"mark": "point", "data": {"name": name}, "width": 300} for name in data]
    drawn = {
        "hconcat": parts,
        "datasets": data,
        "config": {},
        "title": {"subtitle": ["Fastest? · one ·", "two"]},
    }
    made = page.chart("seconds_to_target", drawn, "Caption", "Fastest?")
    assert made["heading"] == "Seconds to target"
    assert made["note"] == "one · two"
    assert [spec["datasets"] for spec in made["specs"]] == [{"a": data["a"]}, {"b": data["b"]}]
    assert {spec["width"] for spec in made["specs"]} == {"container"}


def test_the_version_has_one_source():
    version = (ROOT / "workflow" / "VERSION").read_text("utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    dynamic = project["tool"]["setuptools"]["dynamic"]["version"]
    assert dynamic == {"file": "workflow/VERSION"}
    assert "version" not in project["project"]
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))["version"] == version.strip()
