"""The charts: that each is found, and the data and marks that it draws."""

import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import numpy as np
import polars as pl
import pytest
import vl_convert

from batch_race.analyze import mistakes
from batch_race.analyze.statistics import summarize
from batch_race.report import charts, curves, theme
from batch_race.report.colours import of_batch_size
from batch_race.report.context import Context
from batch_race.report.data_url import data_url
from tests.conftest import ROOT
from tests.curves import curve, each_seed, falling, measured

SCRIPTS = ROOT / "workflow" / "scripts"


def of(*tables):
    """Return the names of the charts of some tables."""
    return [chart for chart, table in charts.CHARTS.items() if table in tables]


def draw(name, table, clock="training", targets=None):
    return charts.load(name).draw(table, Context("Race", clock, targets or {}))


def layers(described):
    """Return the mark and the rows of each layer of a chart."""
    found = []
    for layer in described["layer"]:
        name = layer.get("data", described.get("data"))["name"]
        found.append((layer["mark"], described["datasets"][name]))
    return found


def marked(described, kind, **settings):
    """Return the rows of the only layer with such a mark; none without it."""
    rows = [
        rows
        for mark, rows in layers(described)
        if mark["type"] == kind and settings.items() <= mark.items()
    ]
    assert len(rows) < 2
    return rows[0] if rows else []


def drawn(name, table, clock="training", targets=None):
    """Return a chart's Vega-Lite and its only dataset."""
    described = draw(name, table, clock, targets).to_dict()
    (data,) = described["datasets"].values()
    return described, data


def test_the_charts_are_the_files_of_the_folder():
    files = sorted((SCRIPTS / "batch_race/report/charts").glob("*/*.py"))
    assert len(files) >= 11
    assert list(charts.CHARTS.items()) == [(path.stem, path.parent.name) for path in files]


@pytest.mark.parametrize("chart", charts.CHARTS)
def test_each_chart_has_a_caption_and_one_function(chart):
    assert (ROOT / "workflow" / "report" / f"{chart}.rst").read_text().strip()
    module = charts.load(chart)
    own = [
        name
        for name, value in vars(module).items()
        if getattr(value, "__module__", None) == module.__name__ and not name.startswith("_")
    ]
    assert own == ["draw"]


def test_the_list_of_charts_imports_no_drawing_library():
    # The Snakefile imports it at each start.
    source = (
        "import sys; from batch_race.report.charts import CHARTS; print('altair' in sys.modules)"
    )
    command = [sys.executable, "-c", source]
    found = subprocess.run(command, cwd=SCRIPTS, check=True, capture_output=True, text=True)
    assert found.stdout == "False\n"


def test_loss_by_seconds_has_the_title_and_a_line_for_each_series():
    table = pl.concat(curve([2.0, 1.0], batch_size=size) for size in (60000, 1))
    described, _ = drawn("loss_by_seconds", table)
    scale = described["layer"][0]["encoding"]["color"]["scale"]
    assert scale["domain"] == ["Stochastic GD", "Batch GD"]
    assert described["title"]["text"] == "Loss against time"
    assert described["title"]["subtitle"] == "Race · mnist · evaluation not timed · Abacus 3"


def test_each_chart_has_its_own_title():
    tables = dict(zip(("confusion", "mistakes"), mistakes.empty_tables(), strict=True))
    histories = falling(10)
    tables |= {"histories": histories, "summary": summarize(measured(histories, {}, "training"))}
    titles = {
        name: draw(name, tables[table]).to_dict()["title"]["text"]
        for name, table in charts.CHARTS.items()
    }
    assert len(set(titles.values())) == len(titles)
    assert "Race" not in titles.values()


@pytest.mark.parametrize(
    ("clock", "note"), [("training", "evaluation not timed"), ("wall", "evaluation timed")]
)
def test_the_seconds_are_those_of_the_clock(clock, note):
    described, data = drawn("loss_by_seconds", curve([2.0, 1.0], step_seconds=3.0), clock)
    assert [row[f"{clock}_seconds"] for row in data] == [0, {"training": 3, "wall": 6}[clock]]
    assert note in described["title"]["subtitle"]


def test_iterations_are_numbered_from_1():
    described = draw("learning_by_iteration", curve([2.0, 1.5, 1.0])).to_dict()
    losses, accuracies = described["datasets"].values()
    assert [(row["iteration"], row["training_loss"]) for row in losses] == [(1, 1.5), (2, 1.0)]
    assert [(row["iteration"], row["test_accuracy"]) for row in accuracies] == [(1, 85), (2, 90)]


def test_seeds_are_one_line_with_a_band():
    described, data = drawn("loss_by_seconds", each_seed(falling, [10, 20, 30]))
    assert {row["series"] for row in data} == {"Batch 32"}
    assert [layer["mark"]["type"] for layer in described["layer"]] == ["area", "line", "point"]
    at_five = next(row for row in data if row["training_seconds"] == 5.0)
    assert at_five["training_loss"] == pytest.approx(1.5)
    assert (at_five["low"], at_five["high"]) == pytest.approx((1.0, 2 - 1 / 3))


def test_the_evaluations_of_a_sparse_curve_are_points(tmp_path):
    dense = curve(np.linspace(2, 1, 500).tolist())
    sparse = curve([2.0, 1.0, 0.5], batch_size=8, step_seconds=100.0)
    theme.save(draw("loss_by_seconds", pl.concat([dense, sparse])), tmp_path / "chart.svg")
    svg = ElementTree.parse(tmp_path / "chart.svg")
    points = svg.findall(".//{*}g[@class='mark-symbol role-mark layer_1_marks']/{*}path")
    assert len(points) == 3


def test_the_seconds_to_a_target_are_those_of_the_best_learning_rate():
    table = pl.concat(
        [
            each_seed(falling, [10, 20, 30], batch_size=32),
            each_seed(falling, [40, 50, 60], batch_size=1, learning_rate=0.1),
            each_seed(falling, [90, 90, 90], batch_size=1),
            curve([2.0, 1.5], batch_size=7),
        ]
    )
    measures = measured(table, {"loss": [1.0], "accuracy": []}, "training")
    described = draw("seconds_to_target", summarize(measures)).to_dict()
    data = marked(described, "point", filled=True)
    assert sorted((row["batch_size"], row["median"], row["low"], row["high"]) for row in data) == [
        (1, pytest.approx(25), pytest.approx(20), pytest.approx(30)),
        (32, pytest.approx(10), pytest.approx(5), pytest.approx(15)),
    ]
    assert {row["series"] for row in data} == {"loss 1"}
    subtitle = " ".join(described["title"]["subtitle"])
    assert "each batch size at its best learning rate" in subtitle
    assert "bars: lowest to highest of 3" in subtitle


@pytest.mark.parametrize(("cost", "expected"), [("seconds", 5), ("steps", 10), ("examples", 320)])
def test_each_cost_has_a_chart_of_its_own(cost, expected):
    summary = summarize(measured(falling(10), {"loss": [1.0]}, "training"))
    described, (row,) = drawn(f"{cost}_to_target", summary)
    assert row["median"] == pytest.approx(expected)
    assert f"{cost} to loss 1" in str(described)


def test_contended_runs_are_counted_in_the_subtitle():
    table = pl.concat([falling(10), falling(10, seed=2, contended=True)])
    summary = summarize(measured(table, {"loss": [1.0]}, "training"))
    for name in of("summary"):
        assert "1 of 2 runs contended" in str(draw(name, summary).to_dict()["title"]["subtitle"])


def test_a_miss_a_diverged_run_and_an_unknown_outcome_have_different_signs():
    table = pl.concat(
        [
            falling(10, batch_size=1),
            curve([2.0, 1.5], batch_size=2),
            curve([2.0, 1.5], batch_size=4, stopped="target"),
            curve([2.0, 1e30], batch_size=8, stopped="diverged"),
        ]
    )
    measures = measured(table, {"loss": [1.0]}, "training")
    _, data = drawn("learning_rates", summarize(measures))
    assert {row["batch_size"]: row["text"] for row in data} == {1: "5", 2: "–", 4: "?", 8: "×"}


@pytest.mark.parametrize("name", of("summary"))
@pytest.mark.parametrize("targets", [{}, {"loss": [1.0]}, {"loss": [0.1]}])
def test_a_summary_is_drawn_whatever_its_targets(name, targets, tmp_path):
    table = pl.concat(
        [each_seed(falling, [3, 4], batch_size=size, learning_rate=0.1) for size in (1, 32)]
    ).filter(pl.col("training_loss") > 0.5)
    summary = summarize(measured(table, targets, "training"))
    theme.save(draw(name, summary), tmp_path / "chart.svg")
    assert "Race" in (tmp_path / "chart.svg").read_text()


@pytest.mark.parametrize("name", of("histories"))
@pytest.mark.parametrize(
    "table", [falling(10), each_seed(falling, [3, 4]), curve([2.0])], ids=["one", "two", "no step"]
)
def test_histories_are_drawn_whatever_their_length(name, table, tmp_path):
    theme.save(draw(name, table, "wall"), tmp_path / "chart.svg")
    assert "Race" in (tmp_path / "chart.svg").read_text()


def to_target(*runs, targets=None, cost="seconds"):
    """Return the Vega-Lite of the chart of what a loss of 1 costs."""
    measures = measured(pl.concat(runs), targets or {"loss": [1.0]}, "training")
    return draw(f"{cost}_to_target", summarize(measures)).to_dict()


@pytest.mark.parametrize(("cost", "spent"), [("seconds", 4), ("steps", 8), ("examples", 16)])
def test_a_miss_is_a_hollow_point_at_what_was_spent(cost, spent):
    missed = [falling(40, batch_size=2).head(9), falling(50, batch_size=2, seed=2).head(9)]
    longer = falling(40, batch_size=2, learning_rate=0.1).head(11)
    described = to_target(falling(10, batch_size=4), *missed, longer, cost=cost)
    (hollow,) = marked(described, "point", filled=False)
    assert (hollow["batch_size"], hollow["spent"]) == (2, pytest.approx(spent))
    assert [row["batch_size"] for row in marked(described, "point", filled=True)] == [4]
    assert "hollow: target not reached by then" in str(described["title"]["subtitle"])


def test_what_is_no_miss_is_no_hollow_point():
    described = to_target(
        falling(10, batch_size=1),
        curve([2.0, 1.5], batch_size=2, stopped="target"),  # unknown
        curve([2.0, 9e9], batch_size=4, stopped="diverged"),
    )
    assert marked(described, "point", filled=False) == []
    assert "hollow" not in str(described["title"]["subtitle"])
    # All begin at the target: there is no race.
    described = to_target(*(curve([0.9, 0.8], batch_size=size) for size in (1, 2)))
    assert {kind["type"] for kind, rows in layers(described) if rows} == set()


@pytest.mark.parametrize(("count", "connected"), [(1, 0), (2, 0), (3, 3), (4, 4)])
def test_a_line_connects_at_least_three_batch_sizes(count, connected):
    described = to_target(*(falling(10, batch_size=2**index) for index in range(count)))
    assert len(marked(described, "line")) == connected
    assert len(marked(described, "point", filled=True)) == count


def test_the_legend_has_only_targets_with_a_point():
    run = curve([2.0, 1.5, 0.5], stopped="target")
    described = to_target(run, targets={"loss": [1.0, 0.1], "accuracy": [50.0]})
    (shape,) = [
        layer["encoding"]["shape"]["scale"]["domain"]
        for layer in described["layer"]
        if "shape" in layer["encoding"]
    ]
    assert shape == ["loss 1"]  # the run ended before 0.1, and began above 50 %


def legends(described):
    """Return the texts of a chart's legends, as it is drawn."""
    svg = ElementTree.fromstring(vl_convert.vegalite_to_svg(described))
    return [text.text for text in svg.findall(".//{*}g[@class='mark-text role-legend-label']/*")]


def test_a_single_series_has_no_legend_but_is_named():
    one, two = (falling(10, batch_size=size) for size in (8, 32))
    for name in of("histories"):
        described = draw(name, one).to_dict()
        assert legends(described) == []
        assert "batch 8 ·" in described["title"]["subtitle"].lower()
        assert len(legends(draw(name, pl.concat([one, two])).to_dict())) == 2
    assert legends(to_target(one, two)) == []
    several = to_target(one, two, targets={"loss": [1.0, 0.5]})
    assert legends(several) == ["loss 1", "loss 0.5"]
    assert "seconds to target" in str(several)


def texts(described):
    """Return the texts of a chart's axes, as it is drawn."""
    svg = ElementTree.fromstring(vl_convert.vegalite_to_svg(described))
    return {"".join(text.itertext()) for text in svg.findall(LABELS)}


@pytest.mark.parametrize("name", ["seconds_to_target", "throughput", "learning_rates"])
def test_the_whole_batch_has_its_name_on_the_axis(name):
    runs = [falling(10, batch_size=size) for size in (2048, 60000)]
    # Of another dataset it is a part.
    part = falling(10, batch_size=60000, training_images=70000, dataset="mine")
    for label, table in (("all(60,000)", runs), ("60,000", [*runs, part])):
        summary = summarize(measured(pl.concat(table), {"loss": [1.0]}, "training"))
        assert {"2,048", label} <= texts(draw(name, summary).to_dict())


def test_points_have_the_colour_of_their_batch_size():
    described = to_target(*(falling(10, batch_size=size) for size in (1, 32)))
    found = {row["batch_size"]: row["colour"] for row in marked(described, "point", filled=True)}
    assert found == {size: of_batch_size(size) for size in (1, 32)}


def test_a_target_is_a_line_where_it_is_in_the_range():
    targets = {"loss": [1.0, 0.5, 1e-9], "accuracy": [95.0]}
    table = falling(10).filter(pl.col("training_loss") > 0)
    described = draw("race", table, targets=targets).to_dict()
    assert [row["target"] for row in marked(described, "rule")] == [1.0, 0.5]
    described = draw("loss_by_seconds", table, targets=targets).to_dict()  # the chapter's
    assert marked(described, "rule") == []
    grid = draw("accuracy_curves", table, targets=targets).to_dict()
    assert len(grid["concat"]) == 8
    for panel in grid["concat"]:
        rows = marked(panel | {"datasets": grid["datasets"]}, "rule")
        assert [row["target"] for row in rows] == [95.0]


def test_a_targets_label_is_outside_of_the_curves(tmp_path):
    table = falling(10).filter(pl.col("training_loss") > 0)
    theme.save(draw("race", table, targets={"loss": [1.0, 0.5]}), tmp_path / "chart.svg")
    drawn = ElementTree.parse(tmp_path / "chart.svg")
    found = {
        axis.get("aria-label", "").startswith("Y-axis titled 'loss'"): {
            text.text for text in axis.findall(LABELS)
        }
        for axis in drawn.findall(".//{*}g[@class='mark-group role-axis']")
        if axis.get("aria-label", "").startswith("Y-axis")
    }
    assert found[False] == {"target 1", "target 0.5"}
    assert found[True] >= {"1", "0.5"}
    # The lines of the grid are the left axis's.
    assert len(drawn.findall(".//{*}g[@class='mark-rule role-axis-grid']")) == 2


@pytest.mark.parametrize("lost", [[9.0, 1e30], [1e9, float("inf")], [float("nan")]])
def test_a_diverged_run_does_not_stretch_the_axis(lost, tmp_path):
    calm = falling(10).filter(pl.col("training_loss") > 0)
    wild = curve([2.0, 1.9, *lost], batch_size=8, stopped="diverged")
    for name in ("race", "loss_by_seconds"):
        described = draw(name, pl.concat([calm, wild])).to_dict()
        low, high = described["layer"][0]["encoding"]["y"]["scale"]["domain"]
        assert 0 <= low < 0.2
        assert 2 <= high < 2.5
        (cross,) = [rows for mark, rows in layers(described) if "shape" in mark]
        (row,) = cross
        assert row["series"].lower() == "batch 8 (diverged)"
        assert 0.5 <= row["training_seconds"] <= 1
        assert row["training_loss"] == pytest.approx(high if len(lost) > 1 else 1.9)
        assert "×: a run diverged" in str(described["title"]["subtitle"])
        theme.save(draw(name, pl.concat([calm, wild])), tmp_path / "chart.svg")


def test_a_run_that_diverged_before_the_axis_begins_does_not_stretch_it():
    calm = curve([2.0, 2.0, 2.0, 1.5, 1.0])
    wild = curve([2.0, 1e9, 1e18], batch_size=8, stopped="diverged")
    described = draw("race", pl.concat([calm, wild])).to_dict()
    x_scale, y_scale = (described["layer"][0]["encoding"][axis]["scale"] for axis in "xy")
    assert y_scale["domain"][1] < 3
    ((cross,),) = [rows for mark, rows in layers(described) if "shape" in mark]
    assert cross["training_seconds"] == x_scale["domain"][0]
    assert cross["training_loss"] == y_scale["domain"][1]


def test_curves_begin_at_the_logarithmic_axis():
    fast = curve(np.geomspace(2, 0.1, 500).tolist(), step_seconds=0.01)
    slow = curve([2.0, 1.5, 1.2], batch_size=60000, step_seconds=2.0)
    described = draw("race", pl.concat([fast, slow])).to_dict()
    rows = described["datasets"][described["data"]["name"]]
    first = {}
    for row in rows:
        first.setdefault(row["series"], row)
    starts = {row["training_seconds"] for row in first.values()}
    assert starts == {described["layer"][0]["encoding"]["x"]["scale"]["domain"][0]}
    # On the line from the beginning to the first evaluation, as where the axis is linear.
    for row in rows:
        if row["series"] == "all (60,000)" and row["training_seconds"] < 2:
            assert row["training_loss"] == pytest.approx(2 - 0.25 * row["training_seconds"])


LABELS = ".//{*}g[@class='mark-text role-axis-label']/{*}text"


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e7])
@pytest.mark.parametrize("name", ["loss_curves", "race"])
def test_axes_have_short_labels(name, scale, tmp_path):
    losses = np.geomspace(2, 2e-6, 200).tolist()
    table = curve(losses, batch_size=4096, step_seconds=scale).with_columns(
        pl.col("step", "examples") * 100_000
    )
    theme.save(draw(name, table), tmp_path / "chart.svg")
    found = [text.text for text in ElementTree.parse(tmp_path / "chart.svg").findall(LABELS)]
    assert len(found) >= 8
    assert max(map(len, found)) <= 6


def test_curves_have_linear_and_logarithmic_axes():
    grid = draw("loss_curves", falling(10).filter(pl.col("training_loss") > 0)).to_dict()
    x_scales, y_scales = (
        [panel["layer"][0]["encoding"][axis]["scale"]["type"] for panel in grid["concat"]]
        for axis in ("x", "y")
    )
    assert x_scales == y_scales == ["linear", "log"] * 4
    titles = [panel["layer"][0]["encoding"]["x"]["title"] for panel in grid["concat"]]
    assert titles[::2] == titles[1::2] == [*curves.X_TITLES.values()]
    assert grid["columns"] == 2


def test_the_confusion_matrix_counts_the_wrong_images():
    row = {"dataset": "mnist", "machine": "Abacus 3", "run": "batch 32"}
    counts = [("7", "7", 5), ("7", "1", 2), ("1", "7", 0)]
    confusion = pl.DataFrame(
        [row | dict(zip(("label", "predicted", "count"), each, strict=True)) for each in counts],
        schema=mistakes.empty_tables()[0].schema,
    )
    described = draw("confusion_matrix", confusion).to_dict()
    assert described["title"]["subtitle"] == (
        "Race · mnist · batch 32 · 2 of 7 test images wrong · Abacus 3"
    )


def confusion_of(names, counts):
    """Return a confusion matrix with some counts, 0 elsewhere."""
    row = {"dataset": "mine", "machine": "Abacus 3", "run": "batch 32"}
    pairs = [(true, predicted) for true in names for predicted in names]
    return pl.DataFrame(
        [
            row | {"label": pair[0], "predicted": pair[1], "count": counts.get(pair, 0)}
            for pair in pairs
        ],
        schema=mistakes.empty_tables()[0].schema,
    )


def test_classes_are_in_their_order():
    names = [str(label) for label in range(9, 12)]
    described = draw("confusion_matrix", confusion_of(names, {("9", "10"): 1})).to_dict()
    encoding = described["layer"][0]["encoding"]
    assert encoding["x"]["sort"] == encoding["y"]["sort"] == names


def test_of_many_classes_those_with_the_most_mistakes_are_drawn(tmp_path):
    names = [f"class {index}" for index in range(1000)]
    # Class 999 is in more mistakes than any other, and class 998 as the predicted one alone.
    counts = {(f"class {index}", "class 999"): 1 for index in range(900)}
    counts |= {("class 999", "class 998"): 4}
    chart = draw("confusion_matrix", confusion_of(names, counts))
    described = chart.to_dict()
    shown = described["layer"][0]["encoding"]["x"]["sort"]
    assert len(shown) == 50
    assert shown[-2:] == ["class 998", "class 999"]
    subtitle = described["title"]["subtitle"]
    assert "904 of 904 test images wrong; the 50 of 1,000 classes with" in " ".join(
        [subtitle] if isinstance(subtitle, str) else subtitle
    )
    theme.save(chart, tmp_path / "chart.json")
    assert (tmp_path / "chart.json").stat().st_size < 2_000_000


def test_the_worst_mistakes_are_drawn_as_images():
    pixels = [[0, 255, 0], [255, 0, 255]]
    row = {"dataset": "mnist", "machine": "Abacus 3", "run": "batch 32", "of": 9}
    one = row | {"label": "7", "predicted": "1", "probability": 0.983, "pixels": pixels}
    other = one | {"label": "Ankle boot", "predicted": "Sneaker"}
    found = pl.DataFrame([one, other], schema=mistakes.empty_tables()[1].schema)
    described, data = drawn("worst_mistakes", found)
    assert [tile["text"] for tile in data] == ["7 → 1 · 98 %", "Ankle boot →\nSneaker · 98 %"]
    assert data[0]["url"] == data_url(np.array(pixels, dtype=np.uint8))
    assert "batch 32 · 2 of 9 mistakes" in described["title"]["subtitle"]


@pytest.mark.parametrize("name", of("confusion", "mistakes"))
def test_a_race_without_a_winner_has_charts_too(name, tmp_path):
    tables = dict(zip(("confusion", "mistakes"), mistakes.empty_tables(), strict=True))
    theme.save(draw(name, tables[charts.CHARTS[name]]), tmp_path / "chart.svg")
    assert "no " in (tmp_path / "chart.svg").read_text()
