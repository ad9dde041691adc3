"""Random configurations: each is refused in a few lines, or planned correctly."""

import copy
import re

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from batch_race.errors import InputError
from batch_race.hyperparameters import load_schema
from batch_race.plan import experiment
from tests.project import ROOT, write_digits

SHIPPED = yaml.safe_load((ROOT / "config.yaml").read_text())


def plan(config):
    config = copy.deepcopy(config)
    planned = experiment.plan(config).runs
    assert re.fullmatch(r"[A-Za-z0-9][\w-]{0,59}", config["experiment"], re.ASCII)
    return planned


HOSTILE = [
    "all\n",
    "race\n",
    "../x",
    "a/b",
    "a b",
    "'",
    '"',
    "$(touch pwned)",
    "a\nb",
    "é",
    "x" * 300,
    "",
    "-",
    "~",
]
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 100_000),
    st.just(10**400),
    st.floats(),
    st.sampled_from(["1e-2", "all", "mnist", "nan", "null", "true", *HOSTILE]),
    st.text(max_size=10),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=8) | st.integers(0, 9), inner, max_size=3)
    ),
    max_leaves=8,
)
KEYS = (
    st.sampled_from(sorted(load_schema()["properties"])) | st.text(max_size=12) | st.integers(0, 9)
)


@settings(max_examples=300, deadline=None)
@given(changes=st.dictionaries(KEYS, VALUES, max_size=3))
def test_any_configuration_is_refused_briefly_or_planned(changes):
    try:
        planned = plan(SHIPPED | changes)
    except InputError as error:
        message = str(error)
        assert message
        assert len(message.splitlines()) <= 24
        assert len(message) < 24 * 100
        return
    for name in planned:  # a path below results/train, without characters of the shell
        assert re.fullmatch(r"[\w.-]+/[\w.+-]+/[\w.+-]+", name, re.ASCII), name
        assert not any(part.startswith(".") for part in name.split("/"))


@settings(max_examples=100, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 60_000) | st.just("all"), min_size=1, max_size=5),
    rates=st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=4),
    seeds=st.lists(st.integers(0, 2**53 - 1), min_size=1, max_size=3),
    steps=st.integers(1, 10**9),
)
def test_a_valid_configuration_plans_each_combination_once(sizes, rates, seeds, steps):
    config = SHIPPED | {
        "batch_size": sizes,
        "learning_rate": rates,
        "seed": seeds,
        "budget": {"seconds": None, "steps": steps},
    }
    planned = plan(config).values()
    found = sorted((run["batch_size"], run["learning_rate"], run["seed"]) for run in planned)
    numbers = {60_000 if size == "all" else size for size in sizes}
    expected = {(size, rate, seed) for size in numbers for rate in rates for seed in seeds}
    assert found == sorted(expected)
    assert all(run["budget"]["steps"] == steps for run in planned)


def test_the_message_for_thousands_of_errors_is_short():
    with pytest.raises(InputError, match=r"and 4,988 more$") as error:
        plan(SHIPPED | {"batch_size": [0] * 5000})
    assert len(str(error.value).splitlines()) == 14


@pytest.mark.parametrize(
    ("key", "value"), [("experiment", "race\n"), ("batch_size", "all\n"), ("dataset", "mnist\n")]
)
def test_a_name_has_no_newline(key, value):
    with pytest.raises(InputError, match=rf"{key}.*: found '\w+\\n', expected a "):
        plan(SHIPPED | {key: value})


def test_a_long_unknown_key_is_truncated():
    with pytest.raises(InputError) as error:
        plan(SHIPPED | {"x" * 5000: 1})
    assert len(str(error.value)) < 500


def test_an_integer_too_large_for_a_float_is_out_of_bounds():
    message = r"learning_rate\[0\]: found 1000.*, expected a number above 0, at most"
    with pytest.raises(InputError, match=message):
        plan(SHIPPED | {"learning_rate": 10**400})


def test_the_name_of_an_own_dataset_may_be_a_number(tmp_path):
    write_digits(tmp_path / "digits")
    own = {"own_datasets": {2024: str(tmp_path / "digits")}, "batch_size": 8}
    (run,) = plan(SHIPPED | own | {"dataset": 2024})
    assert run.startswith("2024-")
    with pytest.raises(InputError, match=r"dataset: found 'none', expected one of .*, 2024"):
        plan(SHIPPED | own | {"dataset": "none"})
