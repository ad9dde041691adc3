"""The recorded screens are those of the scenarios."""

import re
from contextlib import ExitStack

import pytest

from batch_race.plan.sources import ROOT
from tools import screens

PAGE = (ROOT / "docs" / "screens.md").read_text("utf-8")
COMMAND = "python -m tools.screens docs/screens.md"


def recorded(text):
    """The names of a section's screens, their widths and their lines."""
    found = re.findall(r"^([^\n]*), at (\d+) columns:\n\n```text\n(.*?)\n```$", text, re.M | re.S)
    return {(moment, int(columns)): screen.splitlines() for moment, columns, screen in found}


def test_the_page_has_each_scenario():
    head, *sections = re.split("^(?=## )", PAGE, flags=re.M)
    assert head.strip() == screens.HEAD.strip(), f"record it again: {COMMAND}"
    assert len(sections) == len(screens.SCENARIOS), f"record it again: {COMMAND}"
    for scenario, section in zip(screens.SCENARIOS, sections, strict=True):
        assert section.startswith(f"{scenario.head}\n"), f"record it again: {COMMAND}"
        moments = [*filter(None, scenario.moments), screens.END]
        expected = [(moment, columns) for moment in moments for columns in scenario.widths]
        assert list(recorded(section)) == expected, f"record it again: {COMMAND}"
    assert f"`{COMMAND}`" in (ROOT / "CONTRIBUTING.md").read_text("utf-8")


def test_screens_are_as_wide_as_their_terminals():
    for section in re.split("^(?=## )", PAGE, flags=re.M)[1:]:
        for (_, columns), lines in recorded(section).items():
            assert max(map(len, lines)) <= columns


def test_each_recorded_moment_shows_what_it_is_for():
    sections = re.split("^(?=## )", PAGE, flags=re.M)[1:]
    for scenario, section in zip(screens.SCENARIOS, sections, strict=True):
        for (moment, _), lines in recorded(section).items():
            assert re.search(scenario.moments.get(moment, ""), "\n".join(lines))


def test_a_preparation_that_changes_nothing_is_refused(tmp_path):
    (tmp_path / "file").write_text("old")
    with ExitStack() as held:
        screens.replaced("file", "old", "new")(tmp_path, held)
        assert (tmp_path / "file").read_text() == "new"
        with pytest.raises(ValueError, match="file: found no 'old'"):
            screens.replaced("file", "old", "new")(tmp_path, held)


REFUSED = [scenario for scenario in screens.SCENARIOS if scenario.is_refused]


@pytest.mark.slow
@pytest.mark.parametrize("scenario", REFUSED, ids=lambda scenario: scenario.title)
def test_the_page_has_the_messages_that_are_printed_now(scenario, tmp_path, monkeypatch):
    (section,) = (part for part in re.split("^(?=## )", PAGE, flags=re.M) if scenario.head in part)
    monkeypatch.setattr(screens, "FOLDER", tmp_path)
    now = screens.record(scenario, 80)[screens.END].splitlines()
    assert words(now) == words(recorded(section)[screens.END, 80])


def words(lines):
    """What lines say on any machine, wherever they were broken."""
    return re.sub(r"the\d+physical", "the…physical", "".join("".join(lines).split()))
