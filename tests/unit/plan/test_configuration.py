"""Valid configurations, and the messages for invalid ones."""

import copy

import pytest
import yaml
from snakemake.cli import parse_config
from snakemake.utils import update_config

from batch_race import hyperparameters
from batch_race.plan.configuration import ConfigurationError, check, replace_limits
from tests.conftest import ROOT

SCHEMA = hyperparameters.load_schema()
EXPERIMENTS = sorted((ROOT / "config").glob("*.yaml"))


A_RATE = "expected a number above 0, at most 1000000, or the word auto"


def mistakes(text):
    with pytest.raises(ConfigurationError) as error:
        check(yaml.safe_load(text), SCHEMA)
    heading, *lines = str(error.value).splitlines()
    assert heading == "The configuration has mistakes:"
    return [line.strip() for line in lines]


@pytest.mark.parametrize("path", [ROOT / "config.yaml", *EXPERIMENTS], ids=lambda path: path.stem)
def test_the_configurations_of_the_project_are_valid(path):
    check(yaml.safe_load(path.read_text()), SCHEMA)


def test_config_yaml_names_every_key_once_with_its_default():
    text = (ROOT / "config.yaml").read_text()
    shipped, checked = yaml.safe_load(text), yaml.safe_load(text)
    check(checked, SCHEMA)
    assert checked == defaults(SCHEMA)
    assert {key: keys(value) for key, value in shipped.items()} == {
        key: keys(value) for key, value in defaults(SCHEMA).items()
    }


def keys(value):
    return set(value) if isinstance(value, dict) else None


def test_a_missing_key_takes_its_default():
    config = {"batch_size": 8, "budget": {"steps": 5}}
    check(config, SCHEMA)
    budget = defaults(SCHEMA)["budget"] | {"seconds": None, "steps": 5}
    assert config == defaults(SCHEMA) | {"batch_size": [8], "budget": budget}
    config["targets"]["loss"].append(1)
    assert 1 not in defaults(SCHEMA)["targets"]["loss"]


def defaults(schema):
    return {
        key: defaults(part) | part["default"] if "properties" in part else part["default"]
        for key, part in schema["properties"].items()
    }


def every_part(schema, name="schema"):
    for key, part in schema.get("properties", {}).items():
        yield f"{name}.{key}", part
        yield from every_part(part, f"{name}.{key}")


@pytest.mark.parametrize(("name", "part"), list(every_part(SCHEMA)))
def test_every_key_has_description_unit_default_and_bounds(name, part):
    assert part["description"].strip().endswith((".", "limit."))
    assert part["unit"]
    assert "default" in part
    if part.get("type") == "array":
        assert part["maxItems"] > 0
        part = part["items"]
    if part.get("properties") and all("$ref" in each for each in part["properties"].values()):
        assert part["additionalProperties"] is False
        return
    kinds = part.get("type", "enum")
    kinds = [kinds] if isinstance(kinds, str) else kinds
    bounds = {
        "enum": [{"enum"}],
        "boolean": [set()],
        "null": [set()],
        "string": [{"maxLength"}, {"pattern"}],
        "integer": [{"minimum", "maximum"}],
        "number": [
            {"minimum", "maximum"},
            {"exclusiveMinimum", "maximum"},
            {"exclusiveMinimum", "exclusiveMaximum"},
        ],
        "object": [{"additionalProperties"}],
    }
    for kind in kinds:
        assert any(needed <= part.keys() for needed in bounds[kind])
    if "object" in kinds and "properties" in part:
        assert part["additionalProperties"] is False


def test_a_single_value_becomes_a_list_of_one():
    assert checked("{batch_size: all, learning_rate: [0.1], shuffle: true}") == {
        "batch_size": ["all"],
        "learning_rate": [0.1],
        "shuffle": [True],
    }


def checked(text):
    """Check a configuration; return the values of its keys."""
    given = yaml.safe_load(text)
    config = copy.deepcopy(given)
    check(config, SCHEMA)
    return {
        key: {part: config[key][part] for part in value} if key == "budget" else config[key]
        for key, value in given.items()
    }


def test_included_and_excluded_combinations_take_lists_and_texts():
    text = """
        include: {batch_size: all, learning_rate: [1e-3, 0.5]}
        exclude: [{seed: '7'}]
    """
    assert checked(text) == {
        "include": [{"batch_size": ["all"], "learning_rate": [0.001, 0.5]}],
        "exclude": [{"seed": [7]}],
    }


def test_included_and_excluded_combinations_may_have_every_hyperparameter():
    for key in ("include", "exclude"):
        assert set(SCHEMA["properties"][key]["items"]["properties"]) == set(
            hyperparameters.REGISTRY
        )


def test_a_number_may_come_as_text():
    # As Snakemake hands over lists and mappings from its command line; YAML's 1e-2 is a text too.
    text = """
        learning_rate: [1e-2, '0.5']
        batch_size: ['32', all]
        shuffle: ['true']
        dataset: ['2024', 2025]
        title: 2026
        budget: {seconds: 'null', steps: '30', clock: wall}
    """
    assert checked(text) == {
        "learning_rate": [0.01, 0.5],
        "batch_size": [32, "all"],
        "shuffle": [True],
        "dataset": ["2024", "2025"],
        "title": "2026",
        "budget": {"seconds": None, "steps": 30, "clock": "wall"},
    }


BASE = {"budget": {"seconds": 60, "steps": None, "epochs": None, "clock": "training"}}


@pytest.mark.parametrize(
    ("files", "settings", "budget"),
    [
        # A limit replaces those beneath it, in a file and on the command line.
        (["budget: {epochs: 100}"], [], {"seconds": None, "epochs": 100}),
        ([], ["budget={epochs: 100}"], {"seconds": None, "epochs": 100}),
        (["budget: {steps: 7}", "budget: {epochs: 3}"], [], {"steps": None, "epochs": 3}),
        (["budget: {seconds: 5}"], ["budget={steps: 1e3}"], {"seconds": None, "steps": 1000}),
        (["budget: {steps: 9}"], ["budget={seconds: 5}"], {"seconds": 5, "steps": None}),
        # Those given together hold together, on the command line too.
        (["budget: {seconds: 5, steps: 9}"], [], {"seconds": 5, "steps": 9}),
        (
            [],
            ["budget={steps: 9}", "budget={epochs: 2}"],
            {"seconds": None, "steps": 9, "epochs": 2},
        ),
        # What is no limit replaces none.
        (["budget: {clock: wall, loss: 0.1}"], [], {"seconds": 60, "clock": "wall", "loss": 0.1}),
        (
            ["budget: {seconds: 5, clock: wall}"],
            ["budget={steps: 2}"],
            {"steps": 2, "clock": "wall"},
        ),
        (["seed: 3"], ["seed=4"], {"seconds": 60, "steps": None}),
    ],
)
def test_a_limit_replaces_those_beneath_it(files, settings, budget):
    layers = [*map(yaml.safe_load, files), parse_config(settings)]
    config = copy.deepcopy(BASE)
    for layer in layers:
        update_config(config, layer)  # as Snakemake merges them
    replace_limits(config, layers)
    check(config, SCHEMA)
    assert {key: config["budget"][key] for key in budget} == budget


@pytest.mark.parametrize("budget", [5, None, [1]])
def test_a_budget_that_is_no_mapping_replaces_nothing(budget):
    config = {"budget": budget}
    replace_limits(config, [{"budget": {"steps": 3}}, {"budget": budget}])
    assert config == {"budget": budget}


@pytest.mark.parametrize(
    ("text", "value"),
    [("1e3", 1000), ("1E+3", 1000), ("1000.0", 1000), ("2.5e3", 2500), ("1_000", 1000)],
)
@pytest.mark.parametrize("quote", ["", "'"])
def test_a_whole_number_in_any_spelling(text, value, quote):
    text = f"{quote}{text}{quote}"
    found = checked(f"{{hidden_nodes: {text}, batch_size: [{text}], budget: {{steps: {text}}}}}")
    assert found == {"hidden_nodes": [value], "batch_size": [value], "budget": {"steps": value}}
    assert isinstance(found["budget"]["steps"], int)


@pytest.mark.parametrize("text", ["1.5", "15e-1", "1e400", "nan", "1,000", "0x10", "10 steps"])
def test_what_is_no_whole_number_is_refused(text):
    (mistake,) = mistakes(f"budget: {{steps: '{text}'}}")
    assert mistake == f"budget.steps: found '{text}', expected a whole number or null"


@pytest.mark.parametrize(
    ("text", "value"), [("True", True), ("yes", True), ("OFF", False), ("false", False)]
)
def test_true_and_false_as_yaml_spells_them(text, value):
    # In a list on the command line each is a text.
    assert checked(f"shuffle: ['{text}']") == {"shuffle": [value]}


def test_a_date_may_be_a_name():
    found = checked("{experiment: 2026-01-31, title: 2026-01-31, dataset: 2026-01-31}")
    assert found == {"experiment": "2026-01-31", "title": "2026-01-31", "dataset": ["2026-01-31"]}


@pytest.mark.parametrize("text", ["${DATA_HOME}/{dataset}", "$DATA_HOME/{dataset}"])
def test_environment_variables_in_paths_are_expanded(monkeypatch, text):
    monkeypatch.setenv("DATA_HOME", "/data/here")
    path = "/data/here/{dataset}"
    assert checked(f"mirrors: '{text}'") == {"mirrors": [path]}
    for key in ("own_datasets", "machines"):
        assert checked(f"{key}: {{mine: '{text}'}}") == {key: {"mine": path}}
    assert checked("title: $DATA_HOME") == {"title": "$DATA_HOME"}


@pytest.mark.parametrize("value", [None, ""])
def test_a_path_with_an_unset_environment_variable_is_refused(monkeypatch, value):
    monkeypatch.delenv("NOWHERE", raising=False)
    if value is not None:
        monkeypatch.setenv("NOWHERE", value)
    expected = "expected a path whose environment variables are set"
    for text in ("$NOWHERE/x", "${NOWHERE}/x", "a/${not a name}"):
        assert mistakes(f"mirrors: [/data, '{text}']") == [
            f"mirrors[1]: found '{text}', {expected}"
        ]
        assert mistakes(f"own_datasets: {{mine: '{text}'}}") == [
            f"own_datasets.mine: found '{text}', {expected}"
        ]
    assert checked("mirrors: 'a/$(x) $ b$'") == {"mirrors": ["a/$(x) $ b$"]}


NAME = "a name of at most 60 letters, digits, _ and -, a letter or digit first"
BATCH = "a whole number from 1, or the word all"


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("batchsize: 3", "batchsize: found an unknown key; did you mean batch_size?"),
        ("budget: {second: 3}", "budget.second: found an unknown key; did you mean seconds?"),
        ("batch_size: 0", f"batch_size[0]: found 0, expected {BATCH}"),
        ("batch_size: [1, -3]", f"batch_size[1]: found -3, expected {BATCH}"),
        ("batch_size: 1.5", f"batch_size[0]: found 1.5, expected {BATCH}"),
        ("batch_size: true", f"batch_size[0]: found true, expected {BATCH}"),
        ("batch_size: everything", f"batch_size[0]: found 'everything', expected {BATCH}"),
        ("batch_size: []", "batch_size: found [], expected at least one"),
        ("learning_rate: -1", f"learning_rate[0]: found -1, {A_RATE}"),
        ("learning_rate: .nan", f"learning_rate[0]: found nan, {A_RATE}"),
        ("learning_rate: .inf", f"learning_rate[0]: found inf, {A_RATE}"),
        ("learning_rate: fast", f"learning_rate[0]: found 'fast', {A_RATE}"),
        ("learning_rate: 'nan'", f"learning_rate[0]: found nan, {A_RATE}"),
        ("batch_size: '1.5'", f"batch_size[0]: found '1.5', expected {BATCH}"),
        (
            "learning_rate: 10000000",
            f"learning_rate[0]: found 10000000, {A_RATE}",
        ),
        ("hidden_nodes: true", "hidden_nodes[0]: found true, expected a whole number"),
        ("seed: -1", "seed[0]: found -1, expected at least 0"),
        ("inputs: row", "inputs[0]: found 'row', expected one of 'raw', 'unit', 'standardized'"),
        ("shuffle: 1", "shuffle[0]: found 1, expected true or false"),
        ("budget: 60", "budget: found 60, expected keys with values"),
        ("budget: {seconds: 0}", "budget.seconds: found 0, expected a number above 0"),
        ("budget: {steps: x}", "budget.steps: found 'x', expected a whole number or null"),
        (
            "budget: {clock: cpu}",
            "budget.clock: found 'cpu', expected one of 'training', 'wall'",
        ),
        (
            "evaluation: {time_fraction: 1}",
            "evaluation.time_fraction: found 1, expected a number below 1",
        ),
        ("momentum: 1", "momentum[0]: found 1, expected at most 0.9999999"),
        ("momentum: -0.1", "momentum[0]: found -0.1, expected at least 0"),
        ("experiment: ../x", f"experiment: found '../x', expected {NAME}"),
        ("dataset: [mnist, 'a b']", f"dataset[1]: found 'a b', expected {NAME}"),
        ("own_datasets: {a/b: x}", f"own_datasets: found 'a/b', expected {NAME}"),
        ("machines: {a/b: x}", f"machines: found 'a/b', expected {NAME}"),
        (
            "include: [{batchsize: 3}]",
            "include[0].batchsize: found an unknown key; did you mean batch_size?",
        ),
        (
            "exclude: [{seed: 1}, {seed: [1, -1]}]",
            "exclude[1].seed[1]: found -1, expected at least 0",
        ),
        ("include: [{}]", "include[0]: found {}, expected swept keys, each with a value or a list"),
        ("include: 32", "include[0]: found 32, expected swept keys, each with a value or a list"),
        ("repeats: 0", "repeats: found 0, expected at least 1"),
        ("title: [a]", "title: found ['a'], expected text"),
    ],
)
def test_an_error_names_the_key(text, mistake):
    assert mistakes(text) == [mistake]


@pytest.mark.parametrize(
    "name",
    ["xyz", "optimizer", "activation", "outputs", "layers", "normalizer", "stop", "lr", "time"],
)
def test_an_unknown_key_without_similar_ones_lists_the_known_ones(name):
    (mistake,) = mistakes(f"{name}: 3")
    known = "known are experiment, title, dataset, "
    assert mistake.startswith(f"{name}: found an unknown key; {known}")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("learningRate", "learning_rate"),
        ("sede", "seed"),
        ("dataste", "dataset"),
        ("hidden_units", "hidden_nodes"),
        ("epochs", "budget.epochs"),
        ("epoch", "budget.epochs"),
        ("loss", "budget.loss or targets.loss"),
    ],
)
def test_an_unknown_key_suggests_a_similar_one(name, meant):
    assert mistakes(f"{name}: 3") == [f"{name}: found an unknown key; did you mean {meant}?"]


def test_all_errors_are_reported_at_once():
    assert len(mistakes("{batch_size: [0, x], seed: -1, budget: {clock: x, foo: 1}}")) == 5


def test_a_long_value_is_truncated():
    (mistake,) = mistakes(f"experiment: {'x' * 5000}")
    assert len(mistake) < 200
