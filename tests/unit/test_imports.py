"""Imports run one way between the groups of modules, and in no circle within them."""

from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from xml.etree import ElementTree

from batch_race.plan.sources import ROOT, SCRIPTS, closure
from batch_race.report import theme
from tools import import_graph
from tools.import_graph import GROUPS, edges, group

COMMAND = "python -m tools.import_graph docs/images/imports.svg"


def upward(pairs):
    """List the imports from a higher group."""
    return [
        f"{path.relative_to(ROOT)} imports {imported.relative_to(ROOT)}"
        for path, imported in pairs
        if GROUPS.index(group(imported)) > GROUPS.index(group(path))
    ]


def circle(pairs):
    """Return the modules that import each other, the first one also last; empty if none do."""
    sorter = TopologicalSorter()
    for path, imported in pairs:
        sorter.add(path, imported)
    try:
        sorter.prepare()
    except CycleError as error:
        return error.args[1]
    return []


def test_no_module_imports_from_a_higher_group():
    assert len(edges()) > 150
    assert upward(edges()) == []


def test_no_modules_import_each_other():
    assert circle(edges()) == []


def test_an_upward_import_and_a_circle_are_found():
    store, report = (SCRIPTS / "batch_race" / name for name in ("store/files.py", "report/page.py"))
    script, nn = SCRIPTS / "train.py", ROOT / "nn" / "engine" / "engine.py"
    assert upward([(report, store), (script, nn), (script, report), (store, nn)]) == []
    assert upward([(store, report), (nn, store)]) == [
        "workflow/scripts/batch_race/store/files.py imports "
        "workflow/scripts/batch_race/report/page.py",
        "nn/engine/engine.py imports workflow/scripts/batch_race/store/files.py",
    ]
    assert len(circle([(report, store), (store, nn), (nn, report)])) == 4


def test_each_module_has_a_group():
    assert {group(path) for path in import_graph.modules()} == set(GROUPS)
    assert group(SCRIPTS / "batch_race" / "errors.py") == "batch_race"
    assert group(SCRIPTS / "batch_race" / "report" / "charts" / "chart.py") == "report"


def test_what_runs_after_the_last_run_imports_no_more_than_it_needs():
    # Reading a user's dataset takes packages that take 0.2 s of CPU time to import.
    for script in ("collect", "summarize", "compare", "forecast", "find_mistakes", "write_page"):
        groups = {path.parent for path in closure(SCRIPTS / f"{script}.py")}
        assert SCRIPTS / "batch_race" / "store" in groups
        assert not groups & {SCRIPTS / "batch_race" / name for name in ("plan", "data/originals")}


def shown(path):
    """List the texts of a picture, and the descriptions of its boxes and arrows."""
    elements = list(ElementTree.parse(path).iter())
    labels = [each.get("aria-label") for each in elements if each.get("aria-label")]
    return sorted(labels + [each.text for each in elements if each.text])


def test_the_picture_shows_the_imports(tmp_path):
    theme.save(import_graph.draw(), tmp_path / "imports.svg")
    picture = ROOT / "docs" / "images" / "imports.svg"
    assert shown(picture) == shown(tmp_path / "imports.svg"), f"draw it again: {COMMAND}"
    assert f"`{COMMAND}`" in Path(ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
