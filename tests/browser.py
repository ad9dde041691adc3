"""A headless Chromium for tests and measurements, where the machine has one."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")

WITHOUT = (
    f"found no Chromium ({', '.join(NAMES)}) on the PATH, and none in BATCH_RACE_CHROMIUM: "
    "apt-get install chromium"
)


def find() -> str | None:
    """Find the browser's program."""
    return os.environ.get("BATCH_RACE_CHROMIUM") or next(
        filter(None, map(shutil.which, NAMES)), None
    )


@contextmanager
def started() -> Iterator[Browser]:
    """Start the browser, with a profile of its own that is deleted at the end."""
    # Chromium's sandbox does not work for root.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find(), args=arguments)
        yield browser
        browser.close()


@contextmanager
def opened(browser: Browser, path: Path, fragment: str = "", **settings: Any) -> Iterator[Page]:
    """Open a page of an experiment from its file; any message, dialog or request is an error."""
    context = browser.new_context(**settings)
    page = context.new_page()
    messages: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.on("dialog", lambda dialog: (messages.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri() + fragment)
    wait_until_drawn(page)
    yield page
    assert messages == [], messages
    # A download of what the page itself made is none.
    assert {url.partition("#")[0] for url in asked if not url.startswith("data:")} == {
        path.as_uri()
    }
    context.close()


def wait_until_drawn(page: Page) -> None:
    """Wait until all charts are drawn."""
    page.wait_for_selector("html[data-drawn=all]", timeout=20_000)
    page.wait_for_selector("#race-chart:not([aria-busy])")


def lines(page: Page) -> set[str]:
    """Return the colours of the lines in the chart of curves."""
    paths = page.locator("#race-chart .mark-line path")
    return set(paths.evaluate_all("all => all.map(one => one.getAttribute('stroke'))"))


def ticks(page: Page) -> list[tuple[float, float]]:
    """Return the ticks of the x axis: the value of each label, and its x in pixels."""
    axis = page.locator("#race-chart .role-axis", has=page.locator(".role-axis-label")).first
    found = axis.locator(".role-axis-label text").evaluate_all(
        "all => all.filter(one => one.getAttribute('opacity') !== '0')"
        ".map(one => [one.textContent, one.getBoundingClientRect()])"
        ".map(([text, box]) => [text, box.x + box.width / 2])"
    )
    return [(float(text.replace(",", "")), x) for text, x in found if text]


def values(page: Page) -> dict[str, str]:
    """Return the values at the cursor by the names of the lines."""
    names = page.locator("#series label").all_inner_texts()
    numbers = page.locator("#series output").all_inner_texts()
    return {
        name.strip().removesuffix(" (contended)"): number
        for name, number in zip(names, numbers, strict=True)
    }
