"""The page of a finished experiment, in a browser."""

import json
import math
import re
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import polars as pl
import pytest

from batch_race.report.colours import of_batch_size
from tests.browser import lines, opened, ticks, values, wait_until_drawn
from tests.project import small_checkout

pytestmark = pytest.mark.slow

REPORT = "page/race/report.html"
TITLE = """</script><script>alert("1")</script> & 'quotes' <b>"""


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    project = small_checkout(tmp_path_factory.mktemp("page"))
    project.edit_config(title=TITLE, repeats=2, targets={"loss": [2.304, 0.1]})
    project.run(f"results/{REPORT}")
    return project.folder / "results"


@pytest.fixture
def page(chromium, results):
    with opened(chromium, results / REPORT) as page:
        yield page


def is_straight(points):
    """Return whether points (x, y) are on a line, to two pixels."""
    (x0, y0), (x1, y1) = points[0], points[-1]
    return all(abs(y0 + (y1 - y0) * (x - x0) / (x1 - x0) - y) < 2 for x, y in points)


def test_all_results_are_on_the_page_and_all_text_is_escaped(page, results):
    assert page.locator("h1").inner_text() == f"{TITLE} (4 steps each)"
    assert TITLE in page.title()
    answer = (results / "compare/race/answer.txt").read_text().splitlines()
    assert page.locator(".answer li").all_inner_texts() == [line.strip() for line in answer]
    summary = pl.read_parquet(results / "summarize/race/summary.parquet")
    rows = page.locator("[aria-labelledby=table] tbody tr")
    assert rows.count() == summary["batch_size"].n_unique() == 3
    assert page.locator("[data-chart] svg").count() == page.locator("[data-chart]").count() == 9
    mistakes = pl.read_parquet(results / "find_mistakes/race/mistakes.parquet")
    pictures = page.locator(".gallery img")
    assert pictures.count() == len(mistakes) > 0
    assert pictures.evaluate_all("all => all.every(one => one.naturalWidth === 28)")
    assert "hidden_nodes: 20" in page.locator("pre").inner_text()
    runs = [json.loads(path.read_text()) for path in results.glob("train/*/*/*/specification.json")]
    assert f"of {len(runs)} runs were contended" in page.locator("main").inner_text()


def test_a_line_is_switched_off_and_on(page):
    before = lines(page)
    assert len(before) == 3
    page.get_by_label(re.compile("^batch 32")).uncheck()
    wait_until_drawn(page)
    assert lines(page) == before - {of_batch_size(32)}
    page.get_by_role("button", name="None").click()
    wait_until_drawn(page)
    assert lines(page) == set()
    # The last of several quick clicks counts.
    page.evaluate(
        "for (const id of ['all', 'none', 'all', 'none']) document.getElementById(id).click()"
    )
    wait_until_drawn(page)
    assert lines(page) == set()
    page.get_by_role("button", name="All").click()
    wait_until_drawn(page)
    assert lines(page) == before


def test_the_x_axis_becomes_logarithmic(page):
    page.get_by_label("against").select_option(label="examples")
    wait_until_drawn(page)
    assert is_straight(ticks(page))
    assert ticks(page)[0][0] == 0
    page.get_by_label("log x").check()
    wait_until_drawn(page)
    found = ticks(page)
    assert found[0][0] > 0
    assert not is_straight(found)
    assert is_straight([(math.log(value), x) for value, x in found])


def test_the_y_axis_becomes_logarithmic(page):
    def y_axes():
        return page.locator("#race-chart g[aria-roledescription=axis]").evaluate_all(
            "all => all.map(one => one.getAttribute('aria-label'))"
            ".filter(label => label.startsWith('Y-axis'))"
        )

    assert all("linear scale" in label for label in y_axes())
    page.get_by_label("log y").check()
    wait_until_drawn(page)
    assert all("log scale" in label for label in y_axes())
    page.get_by_role("button", name="None").click()
    wait_until_drawn(page)
    page.get_by_label("Draw").select_option(label="accuracy (%)")
    page.get_by_role("button", name="All").click()
    wait_until_drawn(page)
    assert y_axes()[0].startswith("Y-axis titled 'accuracy (%)'")
    assert len(lines(page)) == 3


def test_the_keyboard_is_enough(page, results):
    def tab_to(wanted):
        for _ in range(40):
            page.keyboard.press("Tab")
            if page.evaluate(f"document.activeElement.matches({json.dumps(wanted)})"):
                break
        focused = page.locator(wanted).first
        outline = focused.evaluate("one => getComputedStyle(one).outlineStyle")
        assert outline == "solid", f"no visible focus on {wanted}"

    tab_to("#measure")
    tab_to("#cost")
    page.keyboard.type("steps")
    wait_until_drawn(page)
    # The values at the end are the medians over the seeds' last losses.
    tab_to("#race-chart")
    page.keyboard.press("End")
    histories = pl.read_parquet(results / "collect/race/histories.parquet")
    last = histories.filter(pl.col("step") == 4).group_by("batch_size")
    losses = dict(last.agg(pl.col("training_loss").median()).rows())
    read = values(page)
    names = {"batch 1": 1, "batch 32": 32, "all (300)": 300}
    assert {name: float(number) for name, number in read.items()} == {
        name: pytest.approx(losses[size], rel=1e-3) for name, size in names.items()
    }
    page.keyboard.press("+")
    wait_until_drawn(page)
    assert ticks(page)[0][0] >= 2
    page.keyboard.press("0")
    wait_until_drawn(page)
    assert ticks(page)[0][0] == 0
    tab_to("#series input")
    page.keyboard.press("Space")
    wait_until_drawn(page)
    assert len(lines(page)) == 2
    assert values(page)["batch 1"] == ""


def test_the_pointer_reads_values_and_zooms(page):
    page.get_by_label("against").select_option(label="steps")
    wait_until_drawn(page)
    page.locator("#race-chart").scroll_into_view_if_needed()
    tick_x = dict(ticks(page))
    box = page.locator("#race-chart").bounding_box()
    height = box["y"] + box["height"] / 2
    page.mouse.move(tick_x[1], height)
    shown = re.fullmatch(r"At ([\d.]+) steps:", page.locator("#cursor").inner_text())
    assert float(shown[1]) == pytest.approx(1, abs=0.01)
    assert all(values(page).values())
    # The chart shows the cursor, and the range of a drag.
    dragged, cursor = (page.locator("#race-chart .mark-rect path").nth(index) for index in (0, 1))
    assert cursor.bounding_box()["x"] == pytest.approx(tick_x[1], abs=2)
    page.mouse.down()
    page.mouse.move(tick_x[3], height, steps=3)
    assert dragged.bounding_box()["x"] == pytest.approx(tick_x[1], abs=2)
    assert dragged.bounding_box()["width"] == pytest.approx(tick_x[3] - tick_x[1], abs=2)
    page.mouse.up()
    wait_until_drawn(page)
    zoomed = ticks(page)
    assert zoomed[0][0] == pytest.approx(1, abs=0.15)
    assert zoomed[-1][0] == pytest.approx(3, abs=0.15)
    page.get_by_role("button", name="Reset zoom").click()
    wait_until_drawn(page)
    assert ticks(page)[-1][0] == 4
    page.locator("#throughput .mark-symbol path").first.hover()
    assert "steps per second" in page.locator("#vg-tooltip-element").inner_text()


@pytest.mark.parametrize(("scheme", "page_colour"), [("light", 255), ("dark", 22)])
def test_a_phone_in_light_and_dark(chromium, results, scheme, page_colour):
    phone = {"viewport": {"width": 390, "height": 800}, "color_scheme": scheme}
    with opened(chromium, results / REPORT, **phone) as page:
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert int(re.findall(r"\d+", colour)[0]) == page_colour
        ink = page.locator("#race-chart .role-axis-label text").first.get_attribute("fill")
        assert ink == {"light": "black", "dark": "#f0f0f0"}[scheme]
        other = {"light": "dark", "dark": "light"}[scheme]
        page.emulate_media(color_scheme=other)
        page.wait_for_selector(f"#race-chart .role-axis-label text:not([fill='{ink}'])")
        wait_until_drawn(page)
        # Whatever is wider than the page scrolls within it.
        assert page.locator("#race-chart svg").bounding_box()["width"] <= 390


def test_nothing_can_leave_the_page(chromium, results):
    text = (results / REPORT).read_bytes()
    asked = []

    class Server(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(text if self.path == "/report.html" else b"<!doctype html>")

        def log_message(self, *_):
            pass

    ask = "fetch('/asked').then(() => 'answered', () => 'refused')"
    add_script = (
        "(() => { const one = document.createElement('script'); one.textContent = 'window.ran = 1';"
        "document.head.append(one); return window.ran ?? 'refused' })()"
    )
    with HTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page = chromium.new_page()
        page.goto(f"http://127.0.0.1:{server.server_port}/other.html")
        assert page.evaluate(ask) == "answered"
        assert page.evaluate(add_script) == 1
        page.goto(f"http://127.0.0.1:{server.server_port}/report.html")
        wait_until_drawn(page)
        assert page.evaluate(ask) == "refused"
        assert page.evaluate(add_script) == "refused"
        policy = page.locator("meta[http-equiv='Content-Security-Policy']").get_attribute("content")
        assert "eval" not in policy
        page.close()
        server.shutdown()
    assert [path for path in asked if path != "/favicon.ico"] == [
        *("/other.html", "/asked", "/report.html"),
    ]
