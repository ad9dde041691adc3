"""The README's lines that read results."""

import re
import subprocess
import sys

import pytest

from tests.conftest import ROOT

SECTION = (ROOT / "README.md").read_text().partition("<!-- reading results -->")[2]
BLOCKS = re.findall(r"^```python\n(.*?)^```$", SECTION.partition("\n\nA history")[0], re.M | re.S)
LIBRARIES = {re.findall(r"^import (\w+)", block)[0]: block for block in BLOCKS}


def test_three_libraries_in_about_ten_lines():
    assert list(LIBRARIES) == ["polars", "pandas", "duckdb"]
    assert sum(bool(line) for block in BLOCKS for line in block.splitlines()) <= 10


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_lines_run(finished_project, library):
    done = subprocess.run(
        [sys.executable, "-c", LIBRARIES[library]],
        cwd=finished_project.folder,
        check=True,
        capture_output=True,
        text=True,
    )
    assert "32" in done.stdout
