"""The titles of charts."""

from batch_race.report import theme
from batch_race.report.context import Context
from tests.curves import curve

CONTEXT = Context("Race", "training", {})


def test_long_titles_and_notes_are_wrapped_between_notes():
    table = curve([2.0], machine="A processor with a very long name, " * 2)
    title = theme.title(
        table, "Which? " * 17, CONTEXT, "a note of some words", "another of some more words"
    )
    assert len(title.text) == 2
    assert title.subtitle[0] == "Race · mnist · a note of some words · another of some more words ·"
    assert all(len(line) <= 100 for line in title.subtitle)
