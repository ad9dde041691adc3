"""Texts and numbers from outside: configurations, other machines' tables, names of classes."""

import os
import time

import numpy as np
import polars as pl
import pytest
import yaml
from PIL import Image

from batch_race.errors import InputError
from batch_race.hyperparameters import load_schema
from batch_race.plan import configuration, datasets, machines
from batch_race.plan.experiment import CATALOGUE_FILE
from batch_race.store import crossings, foreign, history, parquet
from batch_race.texts import escape, is_plain, quote
from tests.curves import crossed, curve

HARMFUL = {
    "escape": "a\x1b[2Jb",
    "C1": "a\x9bb",
    "bell": "a\ab",
    "NUL": "a\0b",
    "newline": "a\nb",
    "carriage return": "a\rb",
    "delete": "a\x7fb",
    "line separator": "a\u2028b",
    "right to left": "a\u202eb",
    "isolate": "a\u2067b",
    "surrogate": "a\ud800b",
    "noncharacter": "a\uffffb",
}

HARMLESS = [
    "é",
    "日本",
    "a\u00a0b",
    "👩\u200d💻",
    "{nats}",
    "<b>&amp;",
    "$(x) `y`",
    "العربية",
    "a'\"b",
]


@pytest.mark.parametrize("text", HARMFUL.values(), ids=HARMFUL)
def test_a_harmful_text_is_escaped(text):
    assert not is_plain(text)
    for shown in (escape(text), quote(text)):
        assert is_plain(shown)
        assert "\\" in shown


@pytest.mark.parametrize("text", HARMLESS)
def test_other_texts_are_left_as_they_are(text):
    assert is_plain(text)
    assert escape(text) == text
    configuration.check({"title": text}, load_schema())


@pytest.mark.parametrize("text", HARMFUL.values(), ids=HARMFUL)
@pytest.mark.parametrize(
    ("key", "wrap"),
    [
        ("title", lambda text: text),
        ("mirrors", lambda text: [text]),
        ("machines", lambda text: {"laptop": text}),
        ("own_datasets", lambda text: {"mine": text}),
        ("dataset", lambda text: text),
        ("experiment", lambda text: text),
        ("inputs", lambda text: text),
        ("machines", lambda text: {text: "folder"}),
        ("{text}", lambda text: 1),
    ],
)
def test_no_key_takes_a_harmful_text(key, wrap, text):
    key = key.replace("{text}", text)
    with pytest.raises(InputError) as error:
        configuration.check({key: wrap(text)}, load_schema())
    _, *mistakes = str(error.value).split("\n")
    assert len(mistakes) == 1, mistakes
    assert is_plain(mistakes[0])
    assert "expected" in mistakes[0] or "unknown key" in mistakes[0]


def test_a_title_is_refused_before_anything_is_trained(project):
    project.edit_config(title="a\x1b[2J")
    printed = project.refusal()
    assert r"title: found 'a\x1b[2J', expected text without control characters" in printed
    assert not (project.folder / "results").exists()


CURVES = curve([2.0, 0.9, 0.4])
DIVERGED = curve([2.0, float("nan"), float("inf")], seed=2, stopped="diverged")
HISTORIES = pl.concat([CURVES, DIVERGED])
CROSSINGS = crossed(HISTORIES, {"loss": [1.0, 0.1], "accuracy": [95]}).cast(crossings.COLLECTED)


def write(folder, histories=HISTORIES, found=CROSSINGS, experiment="race"):
    """Write the results of another machine."""
    parquet.write(folder / "collect" / experiment / "histories.parquet", histories)
    parquet.write(folder / "collect" / experiment / "crossings.parquet", found)
    return folder


def check(folder):
    return machines.results_elsewhere({"laptop": str(folder)}, "race")


def refusal(folder):
    started = time.monotonic()
    with pytest.raises(InputError) as error:
        check(folder)
    message = str(error.value)
    assert time.monotonic() - started < 20
    assert message.startswith("machines.laptop: ")
    assert is_plain(message)
    assert len(message) < 1000 + len(str(folder))
    assert "the same command" not in message
    return message


def test_what_a_workflow_writes_is_read(tmp_path):
    paths = check(write(tmp_path / "results"))["laptop"]
    histories, found = foreign.read("laptop", *map(type(tmp_path), paths))
    assert histories.equals(HISTORIES, null_equal=True)
    assert found.equals(CROSSINGS)


TEXT_COLUMNS = [name for name, kind in history.COLLECTED.items() if kind == pl.String]


@pytest.mark.parametrize("column", TEXT_COLUMNS)
@pytest.mark.parametrize("text", [*HARMFUL.values(), "", "x" * 2_000_000])
def test_a_text_of_another_machine(tmp_path, column, text):
    if "\ud800" in text:
        pytest.skip("Polars takes no surrogates")
    changed = HISTORIES.with_columns(pl.lit(text).alias(column))
    message = refusal(write(tmp_path, changed))
    assert f"in the column {column}, expected" in message


@pytest.mark.parametrize("column", history.COLLECTED)
def test_a_missing_value_of_another_machine(tmp_path, column):
    nothing = pl.lit(None, history.COLLECTED[column]).alias(column)
    message = refusal(write(tmp_path, HISTORIES.with_columns(nothing)))
    assert f"found no value in the column {column}, expected one in each row" in message


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("learning_rate", float("nan")),
        ("learning_rate", float("inf")),
        ("learning_rate", -1.0),
        ("momentum", 1.5),
        ("batch_size", 0),
        ("hidden_nodes", -3),
        ("threads", 10**6),
        ("seed", -1),
        ("inputs", "other"),
        ("dataset", "../x"),
        ("step", -1),
        ("examples", 2**63 - 1),
        ("training_seconds", float("nan")),
        ("wall_seconds", float("inf")),
        ("cpu_seconds", -0.5),
        ("training_loss", -1.0),
        ("training_loss", -float("inf")),
        ("test_accuracy", 101.0),
        ("test_accuracy", float("nan")),
        ("training_images", -1),
        ("stopped", "tired"),
        ("subnormals", "some"),
    ],
)
def test_a_value_that_no_run_has(tmp_path, column, value):
    changed = HISTORIES.with_columns(pl.lit(value, history.COLLECTED[column]).alias(column))
    message = refusal(write(tmp_path, changed))
    assert f"in the column {column}, expected" in message


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("target", "speed"),
        ("target_value", float("nan")),
        ("source", None),
        ("target", None),
        ("step", -1),
        ("training_seconds", float("nan")),
        ("wall_seconds_low", float("inf")),
        ("machine", "a\x1b[2J"),
        ("learning_rate", float("nan")),
    ],
)
def test_a_crossing_that_no_run_has(tmp_path, column, value):
    changed = CROSSINGS.with_columns(pl.lit(value, crossings.COLLECTED[column]).alias(column))
    assert f"in the column {column}, expected" in refusal(write(tmp_path, found=changed))


def test_more_than_an_experiment_can_have(tmp_path, monkeypatch):
    rows = HISTORIES[:1].select(pl.all().repeat_by(foreign.MAX_ROWS + 1).explode())
    assert "found 1,000,001 rows, expected at most 1,000,000" in refusal(write(tmp_path, rows))
    assert (tmp_path / "collect/race/histories.parquet").stat().st_size < 300_000
    twice = pl.concat([CROSSINGS, CROSSINGS])
    assert "found two rows for a run and target" in refusal(write(tmp_path, found=twice))
    monkeypatch.setattr(foreign, "MAX_RUNS", 1)
    assert "found 2 runs, expected at most 1" in refusal(write(tmp_path))
    monkeypatch.setattr(foreign, "MAX_RUNS", 2)
    monkeypatch.setattr(foreign, "MAX_GROUPS", 1)
    others = pl.concat([CURVES, DIVERGED.with_columns(machine=pl.lit("Abacus 9"))])
    assert "found 2 groups, expected at most 1" in refusal(write(tmp_path, others))


def forge(path, content):
    """Write anything with a right checksum."""
    blank = content + parquet._PREFIX + parquet._BLANK
    if parquet._PREFIX in content:
        start = content.rfind(parquet._PREFIX) + len(parquet._PREFIX)
        blank = content[:start] + parquet._BLANK + content[start + 64 :]
    path.write_bytes(
        blank.replace(parquet._PREFIX + parquet._BLANK, parquet._PREFIX + parquet._digest(blank))
    )


def test_tables_that_are_none_of_another_machines(tmp_path):
    folder = write(tmp_path / "results")
    path = folder / "collect" / "race" / "histories.parquet"
    content = path.read_bytes()
    other = pl.DataFrame({"x": [1]})
    for damage, message in (
        (lambda: path.write_bytes(content[:-10]), "damaged, edited or of an older version"),
        (lambda: path.write_bytes(b"PAR1"), "damaged, edited or of an older version"),
        (lambda: path.write_bytes(b""), "damaged, edited or of an older version"),
        (lambda: forge(path, content[:-10]), "found no table"),
        (lambda: forge(path, b"no table"), "found no table"),
        (lambda: parquet.write(path, other.rename({"x": "\x1b[2J"})), r"columns \x1b[2J (Int64)"),
        (lambda: parquet.write(path, other), "found the columns x (Int64), expected"),
        (lambda: parquet.write(path, HISTORIES.drop("software")), "found the columns"),
    ):
        damage()
        assert message in refusal(folder)


NAMES = {**HARMFUL, "long": "x" * 101, "not UTF-8": b"a\xffb"}
for impossible in ("NUL", "surrogate"):  # in the name of a folder
    del NAMES[impossible]


@pytest.mark.parametrize("name", NAMES)
def test_the_name_of_a_class(tmp_path, name):
    text = NAMES[name]
    folder = tmp_path / "pictures"
    for label in ("zero", os.fsdecode(text) if isinstance(text, bytes) else text):
        (folder / label).mkdir(parents=True)
        for number in range(3):
            picture = Image.fromarray(np.full((4, 4), 80 * number, np.uint8))
            picture.save(folder / label / f"{number}.png")
    catalogue = yaml.safe_load(CATALOGUE_FILE.read_text("utf-8"))
    with pytest.raises(InputError, match=r"own_datasets\.mine: found .* as the name of a") as error:
        datasets.known(catalogue, {"mine": str(folder)})
    assert is_plain(str(error.value))
