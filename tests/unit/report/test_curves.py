"""Curves: which are shown, and that thinning them changes nothing visible."""

import io

import altair as alt
import numpy as np
import polars as pl
import pytest
import vl_convert
from PIL import Image

from batch_race.report import curves, theme
from tests.curves import curve, each_seed, evaluated_twice, falling


def drawn(table):
    """Return the pixels of lines in the charts' theme."""
    assert alt.theme.active == theme.THEME
    chart = (
        alt.Chart(table)
        .mark_line()
        .encode(
            alt.X("x:Q", axis=None).scale(nice=False),
            alt.Y("y:Q", axis=None).scale(nice=False),
            alt.Color("series:N", legend=None),
            alt.Order("x:Q"),
        )
        .properties(width=600, height=400, padding=0, background="white")
    )
    png = vl_convert.vegalite_to_png(chart.to_dict(), scale=2)
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def extreme(count):
    """Return a curve with a steep fall, growing noise, single spikes, a gap, and a flat end."""
    rng = np.random.default_rng(0)
    x = np.sort(np.concatenate([rng.uniform(0, 1, count // 2), rng.uniform(8, 60, count // 2)]))
    y = 2.3 * np.exp(-3 * x) + rng.normal(scale=0.002 * (1 + x), size=count)
    y[rng.integers(0, count, 20)] = 3
    y[-count // 10 :] = 0.5
    return pl.DataFrame({"series": "a", "x": x, "y": y})


def test_a_thinned_curve_looks_like_the_whole_one():
    whole = pl.concat(
        [extreme(40_000), extreme(30_000).with_columns(y=pl.col("y") + 0.5, series=pl.lit("b"))]
    )
    thinned = curves.thin(whole, "x", "y", ["series"])
    assert len(thinned) < len(whole) / 5
    difference = np.abs(drawn(thinned) - drawn(whole))
    # Single pixels of the antialiased edge may differ, but hardly the mean of 8 by 8 pixels, which
    # is about what can be seen.
    assert difference.max() < 128
    height, width = (size // 8 for size in difference.shape[:2])
    squares = difference[: 8 * height, : 8 * width].reshape(height, 8, width, 8, 3)
    assert squares.mean(axis=(1, 3, 4)).max() < 16


def test_a_short_curve_is_unchanged():
    x = np.linspace(0, 60, 150)
    table = pl.DataFrame({"series": "a", "x": x, "y": np.exp(-x)})
    assert curves.thin(table, "x", "y", ["series"]).equals(table)


def test_a_curve_of_one_point_is_unchanged():
    table = pl.DataFrame({"series": "a", "x": [1.0], "y": [2.0]})
    assert curves.thin(table, "x", "y", ["series"]).equals(table)


def test_the_band_of_one_seed_is_its_curve():
    table = curve([2.0, 1.0, 0.5, 0.7])
    drawn = curves.band(table, "training_seconds", "training_loss", ["batch_size"])
    assert drawn["training_seconds"].to_list() == [0, 0.5, 1.0, 1.5]
    for column in ("training_loss", "low", "high"):
        assert drawn[column].to_list() == [2.0, 1.0, 0.5, 0.7]


def test_what_is_not_finite_is_null_and_hides_no_extreme():
    table = curve([2.0, 3.0, float("inf"), float("nan")])
    drawn = curves.band(table, "training_seconds", "training_loss", ["batch_size"])
    for column in ("training_loss", "low", "high"):
        assert drawn[column].to_list() == [2.0, 3.0, None, None]
    x = np.linspace(0, 1, 50)
    y = [None if index == 9 else float(index % 7) for index in range(50)]
    wavy = pl.DataFrame({"series": "a", "x": x, "y": y})
    thinned = curves.thin(wavy, "x", "y", ["series"], columns=1)
    assert set(thinned["y"].to_list()) >= {0.0, 6.0}


def test_the_band_of_several_seeds_ends_with_the_first_of_them():
    table = pl.concat(
        [
            curve([3.0, 1.0, 0.0], seed=1, step_seconds=1.0),
            curve([3.0, 2.0], seed=2, step_seconds=1.5),
            curve([3.0, 3.0, 3.0], seed=3, step_seconds=1.0),
        ]
    )
    drawn = curves.band(table, "training_seconds", "training_loss", ["batch_size"])
    assert drawn["training_seconds"].to_list() == [0, 1.0, 1.5]
    assert drawn["training_loss"].to_list() == pytest.approx([3, 3 - 2 / 3, 2])
    assert drawn["low"].to_list() == pytest.approx([3, 1, 0.5])
    assert drawn["high"].to_list() == pytest.approx([3, 3, 3])


def test_a_step_that_is_evaluated_twice_is_two_points():
    table = evaluated_twice(curve([2.0, 1.0, 0.0]))
    drawn = curves.band(table, "wall_seconds", "training_loss", ["batch_size"])
    assert drawn["wall_seconds"].to_list() == [0, 1.0, 1.5, 2.0]
    assert drawn["training_loss"].to_list() == [2.0, 1.0, 1.0, 0.0]
    drawn = curves.band(table, "step", "training_loss", ["batch_size"])
    assert drawn["training_loss"].to_list() == [2.0, 1.0, 0.0]


def bands(*runs):
    """Return bands of the loss against the seconds, by the name of the batch size."""
    table = pl.concat(runs).with_columns(series=pl.col("batch_size").cast(pl.String))
    return curves.band(table, "training_seconds", "training_loss", ["series"])


AXES = ("training_seconds", "training_loss")


def test_a_logarithmic_axis_begins_where_the_first_curve_changes():
    flat = curve([2.0, 2.0, 1.995, 1.99, 1.0, 0.0])
    assert curves.log_start(bands(flat), *AXES) == 1.5
    early = curve([2.0, 1.0, 0.0], batch_size=8, step_seconds=2.0)
    assert curves.log_start(bands(flat, early), *AXES) == 1.5
    assert curves.log_start(bands(early), *AXES) == 2.0
    never = curve([2.0, 2.0, 2.0])
    assert curves.log_start(bands(never), *AXES) in (0.5, 1.0)


def test_a_curve_is_continued_to_the_beginning_of_the_axis():
    table = bands(curve([2.0, 1.0, 0.0], step_seconds=4.0))
    kept = curves.on_log_axis(table, *AXES, 1.0)
    seconds = kept["training_seconds"].to_numpy()
    assert seconds[0] == pytest.approx(1.0)
    assert (np.diff(seconds) > 0).all()
    for column in ("training_loss", "low", "high"):
        assert kept[column].to_numpy() == pytest.approx(2 - seconds / 4)
    assert curves.on_log_axis(table, *AXES, 4.0).equals(table.tail(2))
    # Without a point before it there is nothing to draw.
    assert curves.on_log_axis(table.tail(2), *AXES, 1.0).equals(table.tail(2))


@pytest.mark.parametrize("is_log", [False, True])
def test_a_curve_leaves_where_it_passes_the_top(is_log):
    table = bands(curve([2.0, 1.0, 4.0, 16.0, 2.0], step_seconds=1.0))
    left = curves.exits(table, *AXES, 4.0, is_log=is_log)
    assert left.rows() == [("32", pytest.approx(2.0), 4.0)]
    left = curves.exits(table, *AXES, 8.0, is_log=is_log)
    expected = 2 + 1 / 3 if not is_log else 2 * 1.5**0.5
    assert left.rows() == [("32", pytest.approx(expected), 8.0)]
    assert curves.exits(table, *AXES, 20.0, is_log=is_log).is_empty()
    lost = bands(curve([2.0, 3.0, float("nan")], step_seconds=1.0))
    assert curves.exits(lost, *AXES, 20.0, is_log=is_log).rows() == [("32", 1.0, 3.0)]


def sweep(batch_sizes, rates):
    """Return runs that end the lower, the nearer their learning rate is to 0.01 × batch size."""
    return pl.concat(
        each_seed(falling, [3, 3], batch_size=size, learning_rate=rate).with_columns(
            training_loss=pl.col("training_loss") + abs(np.log(rate / (0.01 * size)))
        )
        for size in batch_sizes
        for rate in rates
    )


def test_up_to_the_limit_all_configurations_are_shown():
    table = sweep([1, 2, 4, 8], [0.01, 0.02, 0.04, 0.08])
    chosen, note = curves.choose(table)
    assert chosen.equals(table)
    assert note == ""


def test_beyond_the_limit_each_batch_size_is_shown_at_its_best_learning_rate():
    chosen, note = curves.choose(sweep([1, 2, 4, 8], [0.01, 0.02, 0.04, 0.08, 0.16]))
    shown = chosen.select("batch_size", "learning_rate").unique().sort("batch_size").rows()
    assert shown == [(1, 0.01), (2, 0.02), (4, 0.04), (8, 0.08)]
    assert chosen["seed"].n_unique() == 2
    assert note == "each batch size at its best learning rate"


def test_beyond_the_limit_of_batch_sizes_the_lowest_are_shown():
    chosen, note = curves.choose(sweep(range(1, 31), [0.01]))
    assert sorted(chosen["batch_size"].unique()) == list(range(1, 17))
    assert note == "the 16 lowest of 30 curves, each batch size at its best learning rate"
