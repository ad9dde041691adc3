"""A headless Chromium for tests and measurements, where the machine has one."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

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
