"""Tables as parquet and as CSV."""

import polars as pl
from polars.testing import assert_frame_equal

from batch_race.store import parquet, with_csv


def test_the_same_table_is_in_both_files(tmp_path):
    table = pl.DataFrame(
        {
            "text": ["plain", 'with "quotes", commas\nand lines', None],
            "number": [1 / 3, float("inf"), None],
            "flag": [True, False, None],
        }
    )
    with_csv.write(tmp_path / "table.parquet", table)
    assert parquet.read(tmp_path / "table.parquet")[0].equals(table)
    assert_frame_equal(pl.read_csv(tmp_path / "table.csv"), table, check_exact=True)


def test_nested_columns_are_in_parquet_alone(tmp_path):
    table = pl.DataFrame({"label": ["7"], "pixels": [[[0, 255]]]})
    with_csv.write(tmp_path / "table.parquet", table)
    assert (tmp_path / "table.csv").read_text() == "label\n7\n"
    assert parquet.read(tmp_path / "table.parquet")[0].equals(table)
