"""The page of made-up experiments in a browser: what a reader does with it."""

import io
import re
from urllib.parse import parse_qsl
from xml.etree import ElementTree

import numpy as np
import polars as pl
import pytest
from PIL import Image

from batch_race.report.colours import of_batch_size
from tests import pages
from tests.browser import lines, opened, ticks, values, wait_until_drawn

pytestmark = pytest.mark.slow

TARGETS = {"loss": [1.0, 0.5, 0.001], "accuracy": [90.0]}
HOSTILE = """</script><script>alert("1")</script> & 'a'; <b>#%+={x}"""
SIZES = [2**power for power in range(10)]


def is_kept(size, *_):
    return 4.0 if size in (8, 32, 128) else 0.4


MADE = {
    "4 runs": lambda folder: pages.write(folder, pages.race(seeds=[1]), TARGETS),
    "18 runs": lambda folder: pages.write(
        folder, pages.race((8, 32, 128, 512, 2048, 60000), (0.03, 0.1, 0.3), [1]), TARGETS
    ),
    "200 runs": lambda folder: pages.write(
        folder, pages.race(SIZES, (0.01, 0.03, 0.1, 0.3), range(5)), TARGETS
    ),
    "pruned": lambda folder: pages.write(
        folder, pages.race((1, 8, 32, 128, 512), seconds=is_kept), TARGETS, is_pruned=True
    ),
    "pruned, by momentum": lambda folder: pages.write(
        folder,
        pl.concat(
            [
                pages.race((1, 8, 60000), (0.000316, 0.1), seconds=is_kept, momentum=0.0),
                pages.race((1, 8), (0.05,), [1], seconds=is_kept, momentum=0.9, contended=True),
                pages.race((2048,), (1.0,), [1], momentum=0.9, stopped="diverged"),
            ]
        ),
        TARGETS,
        is_pruned=True,
    ),
    "hostile": lambda folder: pages.write(
        folder,
        pl.concat(
            [
                pages.race((8, 32), machine=HOSTILE),
                pages.race((8, 32), machine="__proto__", contended=True).with_columns(
                    pl.col("training_seconds", "wall_seconds") * 2
                ),
            ]
        ),
        TARGETS,
        title=HOSTILE,
        classes=[f"{HOSTILE}{digit}" for digit in range(10)],
    ),
}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The paths of the pages, by name."""
    return {name: make(tmp_path_factory.mktemp("page")) for name, make in MADE.items()}


@pytest.fixture
def page(chromium, written):
    """The page of 200 runs."""
    with opened(chromium, written["200 runs"], viewport={"width": 1280, "height": 900}) as page:
        yield page


def column(page, heading):
    """Return the texts of a column of the table."""
    headings = page.locator("[aria-labelledby=table] th").all_inner_texts()
    cells = page.locator(f"[aria-labelledby=table] td:nth-child({headings.index(heading) + 1})")
    return cells.all_inner_texts()


def at(page):
    """Return the x of the cursor."""
    return float(re.match(r"At ([\d.e-]+) ", page.locator("#cursor").inner_text())[1])


def summary(path):
    return pl.read_parquet(path.parent / "summary.parquet")


# All of them.


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (390, "light")])
def test_a_page_fits_the_screen(chromium, written, name, width, scheme):
    screen = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme}
    with opened(chromium, written[name], **screen) as page:
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert page.locator("#race-chart svg").bounding_box()["width"] <= width
        if width == 1280:
            hidden = "one => one.scrollWidth - one.clientWidth"
            assert page.locator("section [aria-labelledby=table]").evaluate(hidden) == 0
        if scheme == "dark":
            assert not has_white_slab(page)


def has_white_slab(page):
    """Return whether 24 by 24 pixels are nearly white somewhere, besides the images."""
    page.add_style_tag(content=".gallery, input, select { visibility: hidden }")
    shot = page.screenshot(full_page=True)
    white = np.asarray(Image.open(io.BytesIO(shot)).convert("RGB")).min(axis=2) > 190
    sums = np.pad(white.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    of_squares = sums[24:, 24:] - sums[:-24, 24:] - sums[24:, :-24] + sums[:-24, :-24]
    return bool((of_squares == 24 * 24).any())


@pytest.mark.parametrize("name", MADE)
def test_each_winner_is_bold(chromium, written, name):
    with opened(chromium, written[name]) as page:
        bold = page.locator("[aria-labelledby=table] tr:has(strong)")
        rows = [row.locator("strong").all_inner_texts() for row in bold.all()]
    fastest = (
        summary(written[name])
        .filter(pl.col("measure") == "seconds", pl.col("median").is_not_null())
        .sort("median")
        .group_by("machine", "momentum", "target", "target_value", maintain_order=True)
        .first()
    )
    assert len(fastest) >= 3
    for row in fastest.to_dicts():
        seconds = f"{row['median']:.3g}"
        found = [each for each in rows if seconds in each]
        assert len(found) == 1, seconds
        assert f"{row['batch_size']:,}" in found[0]
    assert (
        len(rows) == fastest.select("machine", "momentum", "batch_size", "learning_rate").n_unique()
    )


def test_the_winner_of_a_race_is_not_a_stopped_run(written, chromium):
    with opened(chromium, written["pruned"]) as page:
        assert "stopped" in " ".join(column(page, "seconds to loss 0.5"))
        assert "trained for 0.4 s" in page.locator("#about-0").text_content()


def test_hostile_names_are_text(chromium, written):
    with opened(chromium, written["hostile"]) as page:
        assert page.locator("h1").inner_text() == HOSTILE
        names = [name.strip() for name in page.locator("#series label").all_inner_texts()]
        assert sum(HOSTILE in name for name in names) == 2
        page.locator("#series input").first.uncheck()
        wait_until_drawn(page)
        page.reload()
        wait_until_drawn(page)
        checked = page.locator("#series input").evaluate_all("all => all.map(one => one.checked)")
        assert checked == [False, True, True, True]
        with page.expect_download() as download:
            page.get_by_role("button", name="Save as SVG").click()
        texts = [each.text for each in ElementTree.parse(download.value.path()).iter()]
        assert HOSTILE in texts
        assert names[1] in texts


def test_forecast_date_and_version(chromium, written):
    with opened(chromium, written["200 runs"]) as page:
        forecast = (written["200 runs"].parent / "forecast.txt").read_text()
        shown = page.locator("section[aria-labelledby=forecast]").inner_text()
        assert forecast.split() == shown.split()[2:]
        assert re.search(
            r"Written \d{4}-\d\d-\d\d \d\d:\d\d UTC by Batch Race 1\.2\.3",
            page.locator("header").inner_text(),
        )


# The curves.


def test_targets_are_lines(page):
    def named():
        return page.locator("#race-chart .targets_layer_1_marks text").all_text_contents()

    assert named() == ["loss 1", "loss 0.5", "loss 0.001"]
    heights = [
        rule.bounding_box()["y"]
        for rule in page.locator("#race-chart .targets_layer_0_marks line").all()
    ]
    axis = page.locator("#race-chart .role-axis-label").nth(1)
    tick = axis.locator("text", has_text=re.compile("^1.0$")).bounding_box()
    assert heights[0] == pytest.approx(tick["y"] + tick["height"] / 2, abs=3)
    assert heights[0] < heights[1] < heights[2]
    page.get_by_label("Draw").select_option(label="accuracy (%)")
    wait_until_drawn(page)
    assert named() == ["accuracy 90 %"]


def test_a_diverged_run_does_not_flatten_the_others(chromium, tmp_path):
    calm, lost = pages.race((8, 32), seeds=[1]), pages.race((128,), seeds=[1], stopped="diverged")
    lost = lost.with_columns(pl.col("training_loss") * pl.col("step") * 1e6 + 2)
    path = pages.write(tmp_path, pl.concat([calm, lost]), TARGETS)
    with opened(chromium, path) as page:
        axis = page.locator("#race-chart .role-axis-label").nth(1)
        assert max(float(text) for text in axis.locator("text").all_text_contents()) < 3
        assert len(lines(page)) == 3
        # A cross marks where it leaves.
        assert "A cross marks" in page.locator("#race-help").inner_text()
        ((x, y),) = centres(page, "exits")
        path = page.locator(f"#race-chart .mark-line path[stroke='{of_batch_size(128)}']")
        assert path.evaluate(
            "(one, [x, y]) => one.isPointInStroke("
            "new DOMPoint(x, y).matrixTransform(one.getScreenCTM().inverse()))",
            [x, y],
        )
        highest = min(y for _, y in centres(page, "points")[:3])  # of one that did not
        assert y == pytest.approx(highest, abs=1)
        # It leaves before a logarithmic axis begins.
        page.get_by_label("log x").check()
        wait_until_drawn(page)
        ((x, y),) = centres(page, "exits")
        first = page.locator("#race-chart .mark-line path").first.bounding_box()
        assert x == pytest.approx(first["x"], abs=2)


def centres(page, name):
    """Return the centres of the points of a layer, in pixels of the screen."""
    boxes = page.locator(f"#race-chart .{name}_marks path").evaluate_all(
        "all => all.map(one => one.getBoundingClientRect())"
        ".map((box) => [box.x + box.width / 2, box.y + box.height / 2])"
    )
    return [tuple(box) for box in boxes]


def fastest(path, *targets):
    """Return the batch size and the seconds of the fastest median to each target."""
    rows = summary(path).filter(pl.col("measure") == "seconds").sort("median", nulls_last=True)
    found = [rows.filter(target=name, target_value=value) for name, value in targets]
    return [each.select("batch_size", "median").row(0) for each in found]


def test_diamonds_mark_the_first_to_each_target(chromium, written):
    path = written["4 runs"]
    firsts = fastest(path, ("loss", 1.0), ("loss", 0.5))
    with opened(chromium, path) as page:
        scale = dict(ticks(page))
        drawn = centres(page, "firsts")
        assert [x for x, _ in drawn] == pytest.approx(
            [scale[0] + seconds * (scale[4] - scale[0]) / 4 for _, seconds in firsts], abs=1.5
        )
        targets = page.locator("#race-chart .targets_layer_0_marks line").evaluate_all(
            "all => all.map(one => one.getBoundingClientRect().y)"
        )
        assert [y for _, y in drawn] == pytest.approx(targets[:2], abs=1.5)
        fills = page.locator("#race-chart .firsts_marks path").evaluate_all(
            "all => all.map(one => one.getAttribute('fill'))"
        )
        assert fills == [of_batch_size(size) for size, _ in firsts]
        # They go with their lines, and are not there on axes of another measure of cost.
        for size in {size for size, _ in firsts}:
            line = page.get_by_label(f"batch {size}", exact=True)
            line.uncheck()
            wait_until_drawn(page)
            assert len(centres(page, "firsts")) == sum(each != size for each, _ in firsts)
            line.check()
            wait_until_drawn(page)
        assert [x for x, _ in centres(page, "firsts")] == [x for x, _ in drawn]
        for cost, measure, count in (
            ("seconds in total", "loss", 0),
            ("steps", "loss", 0),
            ("seconds of training", "accuracy (%)", 1),
        ):
            page.get_by_label("against").select_option(label=cost)
            page.get_by_label("Draw").select_option(label=measure)
            wait_until_drawn(page)
            assert len(centres(page, "firsts")) == count


SAMPLE = """(end) => new Promise((done) => {
    const cursor = document.getElementById("cursor");
    const samples = [];
    const sample = () => {
        const at = Number(cursor.textContent.split(" ")[1]);
        const paths = [...document.querySelectorAll("#race-chart .firsts_marks path")];
        // What is clipped is not found at its centre.
        samples.push([at, paths.map((path) => {
            const box = path.getBoundingClientRect();
            const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
            return document.elementsFromPoint(x, y).includes(path);
        })]);
        if (at > end) done(samples);
        else requestAnimationFrame(sample);
    };
    sample();
})"""
"""In a browser, while Play goes on: the cursor's x and which diamonds are visible, until an x."""


def test_a_diamond_appears_in_play_when_the_race_is_there(page, written):
    firsts = fastest(written["200 runs"], ("loss", 1.0), ("loss", 0.5))
    page.get_by_label("speed").select_option("0.1")
    page.get_by_role("button", name="Play").click()
    samples = page.evaluate(SAMPLE, firsts[-1][1] + 0.1)
    page.get_by_role("button", name="Pause").click()
    pixel = 4 / page.locator("#race-chart svg").bounding_box()["width"]
    for index, (_, seconds) in enumerate(firsts):
        before = [seen[index] for at, seen in samples if at < seconds - 2 * pixel]
        after = [seen[index] for at, seen in samples if at > seconds + 2 * pixel]
        assert before
        assert after
        assert not any(before)
        assert all(after)


def test_values_are_never_those_of_other_axes(page):
    invitation = page.locator("#cursor").inner_text()
    page.locator("#race-chart").focus()
    page.keyboard.press("End")
    before = values(page)
    assert all(before.values())
    page.get_by_label("Draw").select_option(label="accuracy (%)")
    assert page.locator("#cursor").inner_text() == invitation
    assert set(values(page).values()) == {""}
    wait_until_drawn(page)
    page.locator("#race-chart").focus()
    page.keyboard.press("End")
    after = values(page)
    assert all(after[name] != before[name] for name in before)
    # Of other lines the cursor remains, and has the values of those shown.
    name = next(iter(after))
    page.get_by_label(name, exact=True).uncheck()
    assert values(page) == after | {name: ""}
    wait_until_drawn(page)
    page.get_by_role("button", name="All").click()
    assert values(page) == after
    wait_until_drawn(page)
    page.get_by_role("button", name="Reset zoom").click()
    wait_until_drawn(page)
    assert values(page) == after


@pytest.mark.parametrize(
    ("cost", "measure", "column", "value"),
    [
        ("seconds of training", "loss", "training_seconds", "training_loss"),
        ("steps", "loss", "step", "training_loss"),
        ("seconds in total", "accuracy (%)", "wall_seconds", "test_accuracy"),
    ],
)
@pytest.mark.parametrize("is_log", [False, True])
def test_the_values_are_those_at_the_pointer(
    chromium, written, cost, measure, column, value, is_log
):
    path = written["4 runs"]
    runs = pl.read_parquet(path.parent / "histories.parquet").partition_by(
        "batch_size", as_dict=True
    )
    with opened(chromium, path, viewport={"width": 1280, "height": 900}) as page:
        page.get_by_label("Draw").select_option(label=measure)
        page.get_by_label("against").select_option(label=cost)
        page.get_by_label("log x").set_checked(is_log)
        wait_until_drawn(page)
        page.locator("#race-chart").scroll_into_view_if_needed()
        box = page.locator("#race-chart svg").bounding_box()
        (low, left), *_, (high, right) = ticks(page)
        for share in (0.1, 0.4, 0.8):
            page.mouse.move(left + share * (right - left), box["y"] + box["height"] / 2)
            x = low * (high / low) ** share if is_log else low + share * (high - low)
            # The pointer is on a whole pixel, and the page writes four digits.
            assert at(page) == pytest.approx(x, rel=0.02)
            shown = values(page)
            assert len(shown) == len(runs)
            for (size,), run in runs.items():
                if at(page) > run[column].max():  # its line ends before
                    assert shown[f"batch {size}"] == ""
                else:
                    expected = np.interp(at(page), run[column], run[value])
                    assert float(shown[f"batch {size}"]) == pytest.approx(expected, rel=0.01)


def test_a_tap_reads_the_values(chromium, written):
    phone = {"viewport": {"width": 390, "height": 800}, "has_touch": True, "is_mobile": True}
    with opened(chromium, written["200 runs"], **phone) as page:
        page.locator("#race-chart").scroll_into_view_if_needed()
        box = page.locator("#race-chart svg").bounding_box()
        tick_x = dict(ticks(page))[1]
        page.touchscreen.tap(tick_x, box["y"] + box["height"] / 2)
        assert at(page) == pytest.approx(1, abs=0.02)
        assert all(values(page).values())
        page.touchscreen.tap(dict(ticks(page))[3], box["y"] + box["height"] / 2)
        assert at(page) == pytest.approx(3, abs=0.02)


def test_a_line_says_what_it_is(chromium, written):
    with opened(chromium, written["hostile"], viewport={"width": 1280, "height": 900}) as page:
        page.locator("#race-chart").scroll_into_view_if_needed()
        contended = page.locator("#series li").filter(has_text="contended").first
        colour = contended.locator("line").get_attribute("stroke")
        path = page.locator(f"#race-chart .mark-line path[stroke='{colour}']").last
        x, y = path.evaluate(
            "one => { const at = one.getPointAtLength(one.getTotalLength() / 2)"
            ".matrixTransform(one.getScreenCTM()); return [at.x, at.y] }"
        )
        page.mouse.move(x, y)
        said = page.locator("#tip").inner_text()
        for words in ("learning rate 0.1", "3 seeds", "lowest to the highest", "3 of 3 runs cont"):
            assert words in said
        name = contended.locator("label").inner_text()
        assert name.strip() in said
        # Its value is that beside its name, within its interval.
        value, low, high = map(
            float, re.search(r"loss ([\d.]+) \(([\d.]+) to ([\d.]+)\)", said).groups()
        )
        assert low <= value <= high
        assert f"{value:g}" in contended.locator("output").inner_text()
        page.mouse.move(x, 5)
        assert page.locator("#tip").is_hidden()
        # Without a pointer, too.
        page.locator("#series input").first.focus()
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Tab")
        page.locator("#about-0").wait_for(state="visible")


# Play.


def test_play_takes_the_time_of_the_race(page):
    assert at_rest(page)
    page.get_by_label("against").select_option(label="steps")
    wait_until_drawn(page)
    page.get_by_role("button", name="Play").click()
    page.wait_for_selector("#race-chart.partial")
    first, started = at_time(page)
    page.wait_for_timeout(1500)
    second, ended = at_time(page)
    assert "seconds of training" in page.locator("#cursor").inner_text()
    assert second - first == pytest.approx(ended - started, rel=0.15)
    # The curves end at the cursor.
    clip = float(page.locator("#until rect").get_attribute("width"))
    page.get_by_role("button", name="Pause").click()
    assert 0 < clip < page.locator("#race-chart svg").bounding_box()["width"]
    assert at_rest(page)
    assert any(values(page).values())
    page.get_by_role("button", name="Play").click()
    page.wait_for_selector("#race-chart:not(.partial)", timeout=10_000)
    assert page.get_by_role("button", name="Play").is_visible()
    assert at(page) == pytest.approx(4, abs=0.01)


def at_time(page):
    """Return the x of the cursor, and the seconds of the browser's clock."""
    text, milliseconds = page.evaluate(
        "[document.getElementById('cursor').textContent, performance.now()]"
    )
    return float(re.match(r"At ([\d.e-]+) ", text)[1]), milliseconds / 1000


def at_rest(page):
    """Return whether nothing moves on the page."""
    before = page.locator("#cursor").inner_text(), page.locator("#time").input_value()
    page.wait_for_timeout(300)
    return before == (page.locator("#cursor").inner_text(), page.locator("#time").input_value())


def test_the_slider_shows_the_race_until_a_time(page):
    page.locator("#time").focus()
    page.locator("#time").fill("0.5")
    assert at(page) == pytest.approx(2, abs=0.01)
    assert page.locator("#time").get_attribute("aria-valuetext") == "2 seconds of training"
    # What is not drawn yet has no values.
    page.locator("#race-chart").focus()
    page.keyboard.press("End")
    assert at(page) == pytest.approx(2, abs=0.01)
    page.locator("#race-chart.partial").wait_for()
    # Nor beyond the axes, whatever is zoomed.
    half = float(page.locator("#until rect").get_attribute("width"))
    page.locator("#race-chart").focus()
    page.keyboard.press("Home")
    page.keyboard.press("+")
    wait_until_drawn(page)
    whole = float(page.locator("#until rect").get_attribute("width"))
    # The labels of the y axis may have another width in the zoomed view.
    assert whole == pytest.approx(2 * half, rel=0.05)
    page.get_by_label("log x").check()
    wait_until_drawn(page)
    assert page.locator("#race-chart.partial").count() == 0
    assert page.locator("#time").input_value() == "1"


def test_a_slower_race_can_be_played_faster(page):
    assert page.locator("#speed option").all_inner_texts() == ["× 0.1", "× 1"]
    page.get_by_label("speed").select_option("0.1")
    page.get_by_role("button", name="Play").click()
    page.wait_for_selector("#race-chart.partial")
    first, started = at_time(page)
    page.wait_for_timeout(1000)
    second, ended = at_time(page)
    assert second - first == pytest.approx((ended - started) / 10, rel=0.2)


# The table.


def test_the_table_is_sorted_by_a_heading(page):
    def heading(name):
        return page.locator("[aria-labelledby=table] th").filter(has_text=name)

    heading("final loss").get_by_role("button").click()
    numbers = [float(text.split()[0]) for text in column(page, "final loss")]
    assert numbers == sorted(numbers)
    assert len(numbers) == 40
    assert heading("final loss").get_attribute("aria-sort") == "ascending"
    page.keyboard.press("Enter")
    assert [float(text.split()[0]) for text in column(page, "final loss")] == numbers[::-1]
    assert heading("final loss").get_attribute("aria-sort") == "descending"
    # What has no value is last both ways; thousands are numbers.
    for order in (1, -1):
        heading("loss 0.5").get_by_role("button").click()
        texts = [text.split()[0] for text in column(page, "seconds to loss 0.5")]
        reached = [float(text) for text in texts if text != "–"]
        assert 0 < len(reached) < len(texts)
        assert texts[len(reached) :] == ["–"] * (len(texts) - len(reached))
        assert reached == sorted(reached, reverse=order < 0)
    heading("steps per second").get_by_role("button").click()
    rates = [float(text.split()[0].replace(",", "")) for text in column(page, "steps per second")]
    assert rates == sorted(rates)
    assert page.locator("[aria-labelledby=table] th[aria-sort]").count() == 1


def test_the_table_is_saved_as_csv(page, written):
    with page.expect_download() as download:
        page.get_by_role("link", name="Save as CSV").click()
    assert download.value.suggested_filename == "race.csv"
    table = pl.read_csv(download.value.path())
    medians = summary(written["200 runs"]).filter(measure="seconds", target_value=0.5)["median"]
    assert len(table) == 40
    assert table["seconds to loss 0.5"].to_list() == pytest.approx(medians.to_list())


def test_the_curves_are_saved_as_svg(page):
    page.get_by_label("batch 2", exact=True).uncheck()
    page.get_by_label("log y").check()
    wait_until_drawn(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as SVG").click()
    assert download.value.suggested_filename == "race.svg"
    root = ElementTree.parse(download.value.path()).getroot()
    texts = {each.text for each in root.iter() if each.text}
    assert {"Which batch size is fastest?", "loss", "loss 0.5", "batch 4"} <= texts
    assert "batch 2" not in texts
    assert any(each.get("fill") == "white" for each in root.iter())
    assert not [each for each in root.iter() if "href" in "".join(each.attrib)]


def test_a_single_line_is_saved_under_its_name(chromium, written):
    with opened(chromium, written["4 runs"], viewport={"width": 1280, "height": 900}) as page:
        page.get_by_role("button", name="None", exact=True).click()
        page.get_by_label("batch 32", exact=True).check()
        wait_until_drawn(page)
        with page.expect_download() as download:
            page.get_by_role("button", name="Save as SVG").click()
        root = ElementTree.parse(download.value.path()).getroot()
    assert {"Which batch size is fastest?", "batch 32"} <= {each.text for each in root.iter()}
    assert not [each for each in root.iter() if each.text and each.text.startswith("batch 1")]
    assert not [each for each in root.iter() if "role-legend" in each.get("class", "")]
    curves = [each for each in root.iter() if "mark-line" in each.get("class", "")]
    strokes = [each.get("stroke") for curve in curves for each in curve.iter() if each.get("d")]
    assert strokes == [of_batch_size(32)]


# The address.


def test_the_address_restores_the_view(chromium, page, written):
    def view(page):
        controls = page.locator("#axes :is(select, input), #series input").evaluate_all(
            "all => all.map(one => one.type === 'checkbox' ? one.checked : one.value)"
        )
        drawn = page.locator("#race-chart .mark-line path").count()
        return controls, [value for value, _ in ticks(page)], drawn, column(page, "final loss")

    usual = view(page)
    assert "#" not in page.url
    page.get_by_label("against").select_option(label="examples")
    page.get_by_label("log x").check()
    page.get_by_label("batch 8", exact=True).uncheck()
    page.get_by_role("button", name="Zoom in").click()
    page.get_by_role("button", name="final loss").press("Enter")
    wait_until_drawn(page)
    shown = view(page)
    assert all(mine != other for mine, other in zip(shown, usual, strict=True))
    fragment = page.url.partition("#")[2]
    assert [key for key, _ in parse_qsl(fragment)] == [
        *("cost", "log-x", "zoom", "without", "ascending"),
    ]
    page.reload()
    wait_until_drawn(page)
    assert view(page) == shown
    screen = {"viewport": {"width": 1280, "height": 900}}
    with opened(chromium, written["200 runs"], f"#{fragment}", **screen) as other:
        assert view(other) == shown
        # A section's name leaves it as it is; an emptied address is the usual view.
        other.evaluate("location.hash = 'table'")
        wait_until_drawn(other)
        assert view(other) == shown
        other.evaluate("location.hash = ''")
        other.wait_for_function("!document.getElementById('log-x').checked")
        wait_until_drawn(other)
        assert view(other) == usual


def test_back_leaves_the_page(page):
    address = page.url
    page.goto("about:blank")
    page.goto(address)
    wait_until_drawn(page)
    for label in ("log x", "log y"):
        page.get_by_label(label).check()
        wait_until_drawn(page)
    there = page.url
    page.go_back()
    assert page.url == "about:blank"
    page.go_forward()
    wait_until_drawn(page)
    assert page.url == there
    assert page.get_by_label("log y").is_checked()


@pytest.mark.parametrize(
    "fragment",
    [
        "#cost=none&measure=&zoom=3+1&ascending=nothing&without=nobody",
        "#zoom=a+b&descending=final+loss&ascending=steps",
        "#zoom=100+200&log-x=0&__proto__=1",
        "#=&&&%",
    ],
)
def test_a_wrong_address_is_the_usual_view(chromium, written, fragment):
    with opened(chromium, written["4 runs"], fragment) as page:
        assert ticks(page)[0][0] == 0
        assert ticks(page)[-1][0] == 4
        assert len(lines(page)) == 4
        assert page.locator("#cost").input_value() == "training_seconds"
