"""The counts in docs/reliability.md are those of the tests that its rows name."""

import re
import subprocess
import sys
from collections import Counter

import pytest

from tests.project import ROOT

PAGE = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
NAME = re.compile(r"`(tests/[\w/]+\.py(?:::\w+)?)`")


def rows(page):
    """Split the tables of tests into the cells of their rows."""
    section = page.partition("## Test results\n")[2].partition("\n## ")[0]
    tables = re.findall(r"(?:^\|.*\n?)+", section, re.MULTILINE)
    lines = [line for table in tables for line in table.splitlines()[2:]]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def mistakes(page, tests):
    """List the errors in the tables of tests.

    Parameters
    ----------
    page : str
        The page, in Markdown.
    tests : list of str
        "file::function" of each test, once for each of its parameters.
    """
    found = []
    counted = Counter()
    for case, tries, outcome in rows(page):
        n_tests = 0
        names = NAME.findall(case)
        if not names:
            found.append(f"{case}: names no test")
        for name in names:
            named = [test for test in tests if test == name or test.startswith(f"{name}::")]
            if not named:
                found.append(f"{name}: there is no such test")
            n_tests += len(named)
            counted.update(set(named))
        if tries != str(n_tests):
            found.append(f"{case}: found {tries} tries, expected {n_tests}")
        numbers = re.findall(r"^\d+|(?<=, )\d+(?= (?:skipped|failed): )", outcome)
        if sum(map(int, numbers)) != n_tests:
            found.append(f"{case}: found {outcome}, expected {n_tests} in all")
    for test in sorted(set(tests)):
        if counted[test] > 1:
            found.append(f"{test}: is counted in {counted[test]} rows")
        elif not counted[test] and test.startswith("tests/faults/"):
            found.append(f"{test}: is counted in no row")
    return found


def test_each_row_has_the_count_of_its_tests():
    named = {name.partition("::")[0] for name in NAME.findall(PAGE)}
    files = sorted(name for name in named if (ROOT / name).exists())
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-n0"]
    done = subprocess.run(
        [*command, "-m", "slow or not slow", "tests/faults", *files],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    tests = re.findall(r"^tests/[\w/]+\.py::\w+", done.stdout, re.MULTILINE)
    assert mistakes(PAGE, tests) == []


TESTS = [
    *(3 * ["tests/faults/test_a.py::test_x"]),
    *("tests/faults/test_a.py::test_y", "tests/unit/test_b.py::test_x"),
]
A = "| faults (`tests/faults/test_a.py`) | 4 | 4 |"


def page_of(*lines):
    table = "\n".join(["| case | tries | passed |", "|---|---|---|", *lines])
    return f"# Page\n\n## Test results\n\n{table}\n\n## Others\n\n| a search | 500 | 500 |\n"


@pytest.mark.parametrize(
    "lines",
    [
        [A],
        ["| faults (`tests/faults/test_a.py`) | 4 | 1, 2 skipped: no strace, 1 failed: no disk |"],
        [A, "| a part (`tests/unit/test_b.py::test_x`) | 1 | 1 |"],
        [
            "| a part (`tests/faults/test_a.py::test_x`) | 3 | 3 |",
            "| two (`tests/faults/test_a.py::test_y`, `tests/unit/test_b.py`) | 2 | 2 |",
        ],
    ],
)
def test_right_rows(lines):
    assert mistakes(page_of(*lines), TESTS) == []


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["| x (`tests/faults/test_a.py`) | 5 | 4 |"], "x (`tests/faults/test_a.py`): found 5 tri"),
        (["| x (`tests/faults/test_a.py`) | 4 | 3 |"], "found 3, expected 4 in all"),
        (["| x (`tests/faults/test_a.py::test_x`) | 3 | 3 |"], "test_y: is counted in no row"),
        ([A, "| y (`tests/faults/test_a.py::test_y`) | 1 | 1 |"], "test_y: is counted in 2 rows"),
        ([A, "| no file (`tests/faults/test_c.py`) | 0 | 0 |"], "test_c.py: there is no such test"),
        ([A, "| part (`tests/unit/test_b.py::test_`) | 0 | 0 |"], "test_: there is no such test"),
        ([A, "| no name | 0 | 0 |"], "no name: names no test"),
    ],
)
def test_wrong_rows_are_found(lines, expected):
    (found,) = mistakes(page_of(*lines), TESTS)
    assert expected in found
