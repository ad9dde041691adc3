"""The recorded screens are those of the scenarios."""

import re

import pytest

from batch_race.plan.sources import ROOT
from tools import screens

PAGE = (ROOT / "docs" / "screens.md").read_text("utf-8")
COMMAND = "python -m tools.screens docs/screens.md"


def test_the_page_has_each_scenario():
    assert PAGE.startswith(screens.HEAD), f"record it again: {COMMAND}"
    expected = [f"## {scenario.title}" for scenario in screens.SCENARIOS]
    assert re.findall("^## .*", PAGE, re.M) == expected, f"record it again: {COMMAND}"
    for scenario in screens.SCENARIOS:
        assert f"`{f'snakemake {scenario.arguments}'.rstrip()}`" in PAGE
    assert f"`{COMMAND}`" in (ROOT / "CONTRIBUTING.md").read_text("utf-8")


@pytest.mark.parametrize("columns", screens.WIDTHS)
def test_screens_are_as_wide_as_their_terminals(columns):
    found = re.findall(rf"at {columns} columns:\n\n```text\n(.*?)\n```", PAGE, re.S)
    moments = [name for each in screens.SCENARIOS for name in each.moments if name]
    assert len(found) == len(screens.SCENARIOS) + len(moments)
    assert max(len(line) for text in found for line in text.splitlines()) <= columns


def test_a_preparation_that_changes_nothing_is_refused(tmp_path):
    (tmp_path / "file").write_text("old")
    screens.replaced("file", "old", "new")(tmp_path)
    assert (tmp_path / "file").read_text() == "new"
    with pytest.raises(ValueError, match="file: found no 'old'"):
        screens.replaced("file", "old", "new")(tmp_path)
