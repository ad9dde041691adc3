"""The code that a rule depends on: what changes its digest, and what does not."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from batch_race import hyperparameters
from batch_race.plan import sources
from tests.project import ROOT, checkout
from tools.import_graph import GROUPS, group, modules

SCRIPTS = sorted(sources.SCRIPTS.glob("*.py"))


@pytest.fixture(autouse=True)
def no_cache():
    """Read each file again: tests edit them."""
    clear()
    yield
    clear()


def clear():
    sources._parse.cache_clear()
    sources._find.cache_clear()


def locate(monkeypatch, root):
    """Replace the project's folder."""
    scripts = root / "workflow" / "scripts"
    without_effect = {
        scripts / path.relative_to(sources.SCRIPTS) for path in sources.WITHOUT_EFFECT
    }
    monkeypatch.setattr(sources, "WITHOUT_EFFECT", frozenset(without_effect))
    monkeypatch.setattr(sources, "ROOT", root)
    monkeypatch.setattr(sources, "SCRIPTS", scripts)
    clear()


@pytest.fixture
def write(tmp_path, monkeypatch):
    """A function that writes modules of another project, and returns the path of its script."""
    locate(monkeypatch, tmp_path)

    def write(modules):
        for name, text in modules.items():
            path = sources.SCRIPTS / f"{name}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        clear()
        return sources.SCRIPTS / "script.py"

    return write


SCRIPT = '''"""A docstring."""

import functools

LIMIT = 3
"""An attribute's docstring."""


@functools.cache
def double(value: int, times: int = 2) -> int:
    """Return it twice."""
    return value * times  # as often as asked


class Box:
    """A class."""

    size: int = 1
    """Another attribute's docstring."""

    async def open(self) -> str:
        """Do nothing."""
        return "open"
'''


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# as often as asked", "# another comment"),
        ("  # as often as asked", ""),
        ('"""A docstring."""', '"""Another."""'),
        ('"""A docstring."""\n', ""),
        ('    """Return it twice."""\n', ""),
        ('"""A class."""', '"""Another class."""'),
        ('"""Do nothing."""', '"""Open."""'),
        ('"""An attribute\'s docstring."""', '"""Another."""'),
        ('"""An attribute\'s docstring."""\n', ""),
        ('    """Another attribute\'s docstring."""\n', ""),
        ("LIMIT = 3\n", "\n\nLIMIT = 3\n\n"),
        ("value * times", "(value\n            * times)"),
        ('return "open"', "return 'open'"),
    ],
)
def test_comments_docstrings_and_layout_change_nothing(write, old, new):
    before = sources.digest(write({"script": SCRIPT}))
    edited = SCRIPT.replace(old, new)
    assert edited != SCRIPT
    assert sources.digest(write({"script": edited})) == before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("LIMIT = 3", "LIMIT = 4"),
        ("LIMIT = 3", "LIMIT = 3.0"),
        ("LIMIT = 3", "LIMIT = None"),
        ("LIMIT = 3", "LIMIT = -3"),
        ("LIMIT = 3", "LIMITS = 3"),
        ("LIMIT = 3", "LIMIT = 3\nLIMIT = 4"),
        ("times: int = 2", "times: int = 3"),
        ("times: int = 2", "times: int"),
        ("times: int = 2", "*, times: int = 2"),
        ("@functools.cache\n", ""),
        ("@functools.cache", "@functools.lru_cache"),
        ("value * times", "value + times"),
        ("value * times", "times * value"),
        ('return "open"', 'return "shut"'),
        ('return "open"', 'return b"open"'),
        ('return "open"', "return"),
        ("async def open", "def open"),
        ("class Box:", "class Box(dict):"),
    ],
)
def test_a_change_of_code_changes_the_digest(write, old, new):
    before = sources.digest(write({"script": SCRIPT}))
    edited = SCRIPT.replace(old, new)
    assert edited != SCRIPT
    assert sources.digest(write({"script": edited})) != before


@pytest.mark.parametrize(
    "statement",
    [
        "import package.module",
        "import package.module as other",
        "from package import module",
        "from package import module as other",
        "from package.module import value",
        "import sys, package.module",
        "def later():\n    from package import module",
        "if True:\n    import package.module",
        "try:\n    import package.module\nexcept ImportError:\n    pass",
        "from package import relative",
        "from package import relative_name",
        "from package.inner import above",
        "from package.inner import above_name",
    ],
)
def test_imports_are_followed(write, statement):
    modules = {
        "script": statement,
        "package/__init__": "",
        "package/module": "value = 1",
        "package/relative": "from . import module",
        "package/relative_name": "from .module import value",
        "package/inner/__init__": "",
        "package/inner/above": "from .. import module",
        "package/inner/above_name": "from ..module import value as other",
    }
    script = write(modules)
    before = sources.digest(script)
    assert sources.SCRIPTS / "package" / "module.py" in sources.closure(script)
    assert sources.digest(write({"package/module": "value = 2"})) != before
    assert sources.digest(write({"package/module": "value = 1"})) == before
    # And the packages around it, which Python runs first.
    assert sources.digest(write({"package/__init__": "import sys"})) != before


def test_an_attribute_or_another_project_is_no_module(write):
    script = write(
        {
            "script": "import package.missing\nfrom package import name\nimport numpy.typing",
            "package/__init__": "name = 1",
        }
    )
    assert sources.closure(script) == {script, sources.SCRIPTS / "package" / "__init__.py"}


def test_modules_that_import_each_other_are_followed_once(write):
    script = write(
        {"script": "import one", "one": "import two", "two": "import one\nimport script"}
    )
    assert sources.closure(script) == {
        script,
        script.with_name("one.py"),
        script.with_name("two.py"),
    }


def test_a_module_without_effect_is_not_followed(write):
    script = write(
        {
            "script": "from batch_race.store import logs\nfrom batch_race import errors",
            "batch_race/__init__": "",
            "batch_race/errors": "",
            "batch_race/store/__init__": "",
            "batch_race/store/logs": "from .. import secret",
            "batch_race/secret": "",
        }
    )
    before = sources.digest(script)
    edited = {"batch_race/store/logs": "x = 1", "batch_race/errors": "x = 1"}
    assert sources.digest(write(edited)) == before
    assert sources.digest(write({"batch_race/secret": "x = 1"})) == before
    assert sources.digest(write({"batch_race/store/__init__": "x = 1"})) != before


def test_a_module_added_to_a_package_changes_nothing_until_it_is_imported(write):
    script = write({"script": "from package import module", "package/module": "value = 1"})
    before = sources.digest(script)
    assert sources.digest(write({"package/added": "value = 2"})) == before
    assert sources.digest(write({"package/module": "from package import added"})) != before


def test_several_files_have_one_digest_whatever_their_order(write):
    script = write({"script": "value = 1", "other": "value = 2"})
    other = script.with_name("other.py")
    both = sources.digest(script, other)
    assert both == sources.digest(other, script)
    assert both not in (sources.digest(script), sources.digest(other))


LOADED = """
import runpy, sys
root, script = sys.argv[1:]
runpy.run_path(script, run_name="imported")
files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
print(*[file for file in files if file and file.startswith(root)], sep="\\n")
"""


@pytest.fixture(scope="module")
def loaded():
    """The files of this project that Python loads for each script."""
    found = {}
    for script in SCRIPTS:
        command = [sys.executable, "-c", LOADED, f"{ROOT}/", str(script)]
        printed = subprocess.run(
            command, cwd=sources.SCRIPTS, capture_output=True, text=True, check=True
        ).stdout
        files = {line for line in printed.splitlines() if ".venv" not in line}
        found[script] = {script, *map(Path, files)} - sources.WITHOUT_EFFECT
    return found


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_depends_on_what_python_loads_for_it(loaded, script):
    assert sources.closure(script) == loaded[script]


@pytest.mark.parametrize("name", GROUPS)
def test_an_edit_changes_the_digests_of_the_scripts_that_import_it(
    loaded, name, tmp_path, monkeypatch
):
    def importers(path):
        return {script.name for script in SCRIPTS if path in loaded[script]}

    inside = [path for path in modules() if group(path) == name and path.stem != "__init__"]
    edited = max(inside, key=lambda path: len(importers(path)))
    expected = importers(edited)
    assert expected or name == "plan"  # which no script imports

    copy = checkout(tmp_path / "checkout").folder
    shutil.copytree(ROOT / "benchmarks", copy / "benchmarks")
    locate(monkeypatch, copy)
    scripts = [sources.SCRIPTS / script.name for script in SCRIPTS]
    before = {script.name: sources.digest(script) for script in scripts}
    with (copy / edited.relative_to(ROOT)).open("a") as file:
        file.write("\nEDITED = True\n")
    clear()
    changed = {script.name for script in scripts if sources.digest(script) != before[script.name]}
    assert changed == expected


def test_the_code_of_a_rule_is_that_of_its_script():
    rules = "\n".join(path.read_text() for path in (ROOT / "workflow/rules").glob("*.smk"))
    pattern = r'code=code\(\s*"(\w+)\.py"|script:\s+"\.\./scripts/(\w+)\.py"'
    found = [code or script for code, script in re.findall(pattern, rules)]
    found.remove("download")  # its files are identified by their checksums
    assert len(found) >= 28
    assert found[::2] == found[1::2]


def test_the_registry_is_part_of_the_digest_of_what_uses_it(monkeypatch):
    def digests():
        return [sources.digest(sources.SCRIPTS / f"{name}.py") for name in ("compare", "parse")]

    before = digests()
    changed = hyperparameters.REGISTRY["momentum"]._replace(role="tuned")
    monkeypatch.setitem(hyperparameters.REGISTRY, "momentum", changed)
    after = digests()
    assert after[0] != before[0]
    assert after[1] == before[1]
