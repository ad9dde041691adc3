"""What YAML allows and a configuration may not have."""

import os
import time

import pytest

from batch_race.errors import InputError
from batch_race.plan import yaml_files
from tests.project import ROOT

BOMB = "".join(
    f"{name}: &{name} [{', '.join(10 * [f'*{before}'])}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", "line 3: found the key 'a' again, expected it once"),
        ("b: {c: 1, 'c': 2}\n", "line 1: found the key 'c' again"),
        ("b:\n  - {c: 1,\n     c: 1}\n", "line 3: found the key 'c' again"),
        ('"a\\e": 1\n"a\\e": 1\n', r"line 2: found the key 'a\x1b' again"),
        ("a: &a [*a]\n", "line 1: found a value that contains itself, by an alias"),
        ("a: 1\nb: &b {c: [{d: *b}]}\n", "line 2: found a value that contains itself"),
        ("a: &a [1]\n" + BOMB, "found more than 1,000,000 values, counted by aliases"),
        ("a: &a {x: 1}\n" + BOMB, "found more than 1,000,000 values"),
        ("a: " + 5000 * "[" + 5000 * "]", "found values nested too deeply"),
    ],
)
def test_it_is_found_at_once_and_named(tmp_path, text, message):
    path = tmp_path / "config.yaml"
    path.write_text(text)
    started = time.monotonic()
    with pytest.raises(InputError) as error:
        yaml_files.check([path])
    assert time.monotonic() - started < 5
    assert str(error.value).startswith(f"{path}")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_text_that_is_not_utf_8(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_bytes("seed: 1\ntitle: \u00e9\n".encode("latin-1"))
    with pytest.raises(InputError, match=r"config\.yaml, line 2: found no UTF-8, expected text in"):
        yaml_files.check([path])


def test_a_fifo_is_not_waited_for(tmp_path):
    path = tmp_path / "config.yaml"
    os.mkfifo(path)
    with pytest.raises(InputError, match="it is a FIFO, expected a regular file"):
        yaml_files.check([path])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\ufeffa: 1\n",
        "a: 1\nb: {a: 1, c: {a: 1}}\n",
        "a: &a [1, 2]\nb: *a\nc: [*a, *a]\n",
        "a: &a {x: 1}\nb: {<<: *a, y: 2}\n",
        "1: a\n'1': b\n",
        "a: [ # half edited",  # Snakemake has a message for it
        "\t- a\x00",
    ],
)
def test_other_files_pass(tmp_path, text):
    path = tmp_path / "config.yaml"
    path.write_text(text, encoding="utf-8")
    yaml_files.check([path, tmp_path / "none.yaml"])


def test_the_projects_files_pass():
    yaml_files.check([ROOT / "config.yaml", *(ROOT / "config").glob("*.yaml")])
