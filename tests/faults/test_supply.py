"""The supply chain: only what is expected is installed, read and run."""

import json
import re
import subprocess
import sys
import zipfile

import pytest

from tests.conftest import ROOT

SOURCES = sorted(
    path
    for pattern in (
        *("Snakefile", "nn/**/*.py", "benchmarks/**/*.py", "tools/*.py", "workflow/**/*.py"),
        "**/*.smk",
    )
    for path in ROOT.glob(pattern)
    if ".venv" not in path.parts and "results" not in path.parts
)

FORBIDDEN = {
    "a YAML loader that creates objects": r"yaml\.(load|full_load|unsafe_load)\b|Loader=",
    "pickle": r"^\s*(import|from) (pickle|marshal|shelve|dill|joblib)\b|allow_pickle=True",
    "code from text": r"(?<![\w.])(eval|exec|compile)\(|__import__\(",
    "a shell": r"shell=True|os\.(system|popen)\(|(?<![\w.])shell\(",
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_source_has(what):
    assert len(SOURCES) > 50
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in SOURCES
        for line in path.read_text().splitlines()
        if re.search(FORBIDDEN[what], line)
    ]
    assert found == []


def test_no_rule_has_a_shell():
    rules = [path for path in SOURCES if path.suffix != ".py"]
    assert len(rules) >= 6
    assert not any(re.search(r"^\s*shell:", path.read_text(), re.MULTILINE) for path in rules)


@pytest.mark.parametrize(
    ("what", "line"),
    [
        ("a YAML loader that creates objects", "yaml.load(text)"),
        ("pickle", "import pickle"),
        ("pickle", "np.load(path, allow_pickle=True)"),
        ("code from text", "eval(config['x'])"),
        ("a shell", "subprocess.run(command, shell=True)"),
        ("a shell", "shell(f'ls {folder}')"),
    ],
)
def test_the_search_finds_forbidden_code(what, line):
    assert re.search(FORBIDDEN[what], line)


def test_no_array_is_loaded_with_pickle():
    loads = [
        line
        for path in SOURCES
        for line in path.read_text().splitlines()
        if re.search(r"np\.(load|save|savez)\(", line) and "benchmarks" not in path.parts
    ]
    assert len(loads) >= 3
    text = "\n".join(path.read_text() for path in SOURCES if path.name == "arrays.py")
    assert text.count("np.load(") == text.count("np.load(path, mmap_mode") + text.count(
        "np.load(io.BytesIO(content), allow_pickle=False)"
    )
    assert text.count("allow_pickle=False") >= text.count("np.load(")


def test_the_linter_finds_it_too(tmp_path):
    source = tmp_path / "bad.py"
    source.write_text(
        "import pickle\nimport subprocess\n\nimport yaml\n\n"
        "yaml.load('a', Loader=yaml.Loader)\npickle.loads(b'')\neval('1')\n"
        "subprocess.run('ls', shell=True)\n"
    )
    command = [sys.executable, "-m", "ruff", "check", "--config", str(ROOT / "pyproject.toml")]
    printed = subprocess.run(
        [*command, "--output-format", "json", str(source)],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    assert {"S301", "S307", "S506", "S602"} <= {each["code"] for each in json.loads(printed)}


@pytest.mark.parametrize("name", sorted(path.name for path in ROOT.glob("requirements*.lock")))
def test_every_locked_package_has_hashes_and_no_address(name):
    lock = (ROOT / name).read_text()
    entries = re.split(r"^(?=[\w.-]+==)", lock, flags=re.MULTILINE)
    entries = [entry for entry in entries if "==" in entry]
    assert entries
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in lock


def make_wheel(folder, content):
    """Build a minimal wheel."""
    info = "toy-1.0.dist-info"
    path = folder / "toy-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(zipfile.ZipInfo("toy.py"), content)
        metadata = "Metadata-Version: 2.1\nName: toy\nVersion: 1.0\n"
        wheel.writestr(zipfile.ZipInfo(f"{info}/METADATA"), metadata)
        tags = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        wheel.writestr(zipfile.ZipInfo(f"{info}/WHEEL"), tags)
        wheel.writestr(zipfile.ZipInfo(f"{info}/RECORD"), "")
    return path


def test_another_package_than_the_locked_one_is_not_installed(tmp_path):
    """`pip install -r` checks hashes without an option, if the file has them."""
    wheel = make_wheel(tmp_path, "x = 1\n")
    pip = [sys.executable, "-m", "pip"]
    hashed = subprocess.run(
        [*pip, "hash", str(wheel)], capture_output=True, text=True, check=True
    ).stdout
    lock = tmp_path / "requirements.lock"
    lock.write_text(f"toy==1.0 {re.search('--hash=sha256:[0-9a-f]{64}', hashed)[0]}\n")
    install = [*pip, "install", "--no-index", "--find-links", str(tmp_path), "-r", str(lock)]
    install += ["--target", str(tmp_path / "target"), "--no-cache-dir", "-q"]
    assert subprocess.run(install, capture_output=True, check=False).returncode == 0
    assert (tmp_path / "target" / "toy.py").exists()

    make_wheel(tmp_path, "x = 2\n")
    done = subprocess.run([*install, "--upgrade"], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "DO NOT MATCH THE HASHES" in done.stderr
    assert (tmp_path / "target" / "toy.py").read_text() == "x = 1\n"
