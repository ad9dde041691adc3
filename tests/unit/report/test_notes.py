"""The notes of charts."""

import polars as pl
import pytest

from batch_race.analyze.statistics import interval_name
from batch_race.report import notes


@pytest.mark.parametrize(
    ("runs", "text"),
    [
        ([1], ""),
        ([1, 3], "bars: lowest to highest of 3"),
        ([5, 2, 2], "bars: lowest to highest of 2 or 5"),
        ([2, 3, 5], "bars: lowest to highest of 2 to 5"),
        ([6, 9], "bars: 95 %"),
        ([1, 6, 2], "bars: lowest to highest of 2, 95 % of 6 and more"),
    ],
)
def test_bars_are_called_what_they_are(runs, text):
    summary = pl.DataFrame({"runs": runs, "interval": [interval_name(count) for count in runs]})
    assert notes.bars(summary) == text
