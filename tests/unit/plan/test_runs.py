"""From a configuration to runs, whose names have all that changes a result and nothing else."""

import copy
import itertools
import json

import pytest
import yaml

from batch_race import hyperparameters
from batch_race.errors import InputError
from batch_race.plan import runs
from batch_race.plan.configuration import check
from batch_race.plan.datasets import Dataset
from tests.conftest import ROOT

CONFIG = yaml.safe_load((ROOT / "config.yaml").read_text())
check(CONFIG, hyperparameters.load_schema())
DATASETS = {
    "mnist": Dataset("mnist", None, 60000, 10000, "", ()),
    "small": Dataset("small-0123", "0123", 100, 10, "", ()),
}


def expand(**changes):
    config = copy.deepcopy(CONFIG)
    for key, value in changes.items():
        if isinstance(config[key], dict):
            config[key] |= value
        else:
            config[key] = value
    return runs.expand(config, DATASETS)


def test_the_product_of_all_lists():
    swept = expand(batch_size=[1, 32], learning_rate=[0.1, 0.2, 0.3], seed=[1, 2], shuffle=[True])
    assert len(swept) == 12
    combinations = {
        (run["batch_size"], run["learning_rate"], run["seed"]) for run in swept.values()
    }
    assert combinations == set(itertools.product([1, 32], [0.1, 0.2, 0.3], [1, 2]))


def test_all_is_the_number_of_training_images():
    by_word = expand(batch_size=["all"], dataset=["mnist", "small"])
    assert by_word == expand(batch_size=[60000]) | expand(batch_size=[100], dataset=["small"])
    # `batch_size: [all, 60000]` is one run.
    assert len(expand(batch_size=["all", 60000, 60000.0])) == 1


def numbers(planned, *keys):
    return sorted(tuple(run[key] for key in keys) for run in planned.values())


def test_each_seed_is_repeated_as_configured():
    assert numbers(expand(batch_size=[1], seed=[5, 7], repeats=3), "seed") == [
        (5,),
        (6,),
        (7,),  # configured twice, run once
        (8,),
        (9,),
    ]


def test_an_included_combination_is_completed_from_the_lists():
    swept = expand(
        batch_size=[32],
        learning_rate=[0.1],
        repeats=2,
        include=[
            {"batch_size": [1], "learning_rate": [0.01, 0.001]},
            {"seed": [7]},
            {"batch_size": [32]},  # planned already
        ],
    )
    assert numbers(swept, "batch_size", "learning_rate", "seed") == [
        (1, 0.001, 1234),
        (1, 0.001, 1235),
        (1, 0.01, 1234),
        (1, 0.01, 1235),
        (32, 0.1, 7),
        (32, 0.1, 1234),
        (32, 0.1, 1235),
    ]


def test_an_excluded_combination_is_left_out_of_the_product_only():
    swept = expand(
        batch_size=[1, 32, "all"],
        learning_rate=[0.1, 0.01],
        exclude=[
            {"batch_size": [1], "learning_rate": [0.1]},
            {"batch_size": [60000], "learning_rate": [0.01, 5]},
            {"learning_rate": [0.1], "dataset": ["small"]},
        ],
        include=[{"batch_size": ["all"], "learning_rate": [0.01]}],
    )
    assert numbers(swept, "batch_size", "learning_rate") == [
        (1, 0.01),
        (32, 0.01),
        (32, 0.1),
        (60000, 0.01),
        (60000, 0.1),
    ]


def test_an_excluded_combination_may_be_impossible():
    swept = expand(
        dataset=["mnist", "small"],
        batch_size=[32, 1000],
        exclude=[{"dataset": ["small"], "batch_size": [1000]}],
    )
    assert numbers(swept, "dataset", "batch_size") == [
        ("mnist", 32),
        ("mnist", 1000),
        ("small", 32),
    ]


def test_the_order_of_values_changes_no_name():
    assert set(expand(batch_size=[32, 1])) == set(expand(batch_size=[1, 32]))


def test_the_order_of_keys_changes_nothing():
    def reversed_keys(value):
        if not isinstance(value, dict):
            return value
        return {key: reversed_keys(value[key]) for key in reversed(value)}

    changes = {"include": [{"batch_size": [7], "learning_rate": [0.5]}]}
    shuffled = reversed_keys(copy.deepcopy(CONFIG) | changes)
    plans = (expand(**changes), runs.expand(shuffled, DATASETS))
    # As text: Snakemake takes the same parameters in another order for others.
    found, expected = ({name: json.dumps(run) for name, run in plan.items()} for plan in plans)
    assert found == expected


def test_equal_numbers_have_one_name():
    assert set(expand(momentum=[0])) == set(expand(momentum=[-0.0]))
    assert set(expand(learning_rate=[1], budget={"seconds": 60})) == set(
        expand(learning_rate=[1.0], budget={"seconds": 60.0})
    )


CHANGES = [
    {"batch_size": [2]},
    {"learning_rate": [0.02]},
    {"momentum": [0.9]},
    {"hidden_nodes": [201]},
    {"seed": [1235]},
    {"initializer": ["normal"]},
    {"inputs": ["unit"]},
    {"shuffle": [True]},
    {"batch_size": [7], "leftover": ["keep"]},
    {"dataset": ["small"]},
    {"budget": {"seconds": 61}},
    {"budget": {"seconds": 60.5}},
    {"budget": {"clock": "wall"}},
    {"budget": {"steps": 60}},
    {"budget": {"epochs": 60}},
    {"budget": {"loss": 0.2}},
    {"budget": {"accuracy": 90}},
    {"threads": [2]},
    {"elementwise": ["numexpr"]},
    {"evaluation": {"every_seconds": 5}},
    {"evaluation": {"every_steps": 5}},
    {"evaluation": {"points_per_decade": 21}},
    {"evaluation": {"time_fraction": 0.25}},
    {"evaluation": {"twice_at_epoch_end": True}},
]


def test_each_hyperparameter_is_changed():
    assert {key for change in CHANGES for key in change} >= set(hyperparameters.REGISTRY)


@pytest.mark.parametrize("change", CHANGES)
def test_all_that_changes_a_result_changes_the_name(change):
    base = {"batch_size": change.get("batch_size", [1])} if "leftover" in change else {}
    base = {"batch_size": [1]} | base
    assert not set(expand(**(base | change))) & set(expand(**base))


@pytest.mark.parametrize(
    "change",
    [
        {"title": "x"},
        {"experiment": "x"},
        {"mirrors": ["/x"]},
        {"own_datasets": {}},
        {"on_contention": "fail"},
        {"checkpoint_seconds": 1},
    ],
)
def test_nothing_else_changes_the_name(change):
    assert expand(**change) == expand()


@pytest.mark.parametrize(
    ("fixed", "change"),
    [
        ({"budget": {"seconds": None, "steps": 5}}, {"budget": {"clock": "wall"}}),
        ({"budget": {"seconds": None, "steps": 5}}, {"evaluation": {"time_fraction": 0.1}}),
        ({"evaluation": {"every_steps": 5}}, {"evaluation": {"points_per_decade": 5}}),
        ({"evaluation": {"every_seconds": 5}}, {"evaluation": {"time_fraction": 0.1}}),
        ({"batch_size": [20]}, {"leftover": ["keep"]}),
    ],
)
def test_a_value_without_effect_changes_no_name(fixed, change):
    merged = {
        key: value | fixed.get(key, {}) if isinstance(value, dict) else value
        for key, value in change.items()
    }
    assert expand(**(fixed | merged)) == expand(**fixed)


def test_own_data_are_in_the_name_by_their_content():
    (name,) = expand(dataset=["small"], batch_size=[1])
    assert name.startswith("small-0123/")


def test_a_name_is_readable():
    (name,) = expand(
        batch_size=[32], budget={"seconds": 2.5, "clock": "wall", "loss": 0.2, "epochs": 3}
    )
    assert name.startswith("mnist/batch_32-rate_0.01-momentum_0.0-nodes_200-seed_1234-")
    assert name.endswith("/2.5_wall_seconds-or-3_epochs-or-loss_0.2")


def test_runs_that_differ_only_in_budget_share_a_folder():
    (short,), (long,) = (
        expand(batch_size=[1], budget={"seconds": seconds}) for seconds in (60, 1800)
    )
    assert short.rpartition("/")[0] == long.rpartition("/")[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dataset": ["minst"]}, "dataset: found 'minst', expected one of mnist, small"),
        ({"exclude": [{"dataset": ["minst"]}]}, "dataset: found 'minst', expected one of mnist"),
        ({"include": [{"dataset": ["minst"]}]}, "dataset: found 'minst', expected one of mnist"),
        ({"exclude": [{"learning_rate": [0.01]}]}, "exclude: found that it leaves no run"),
        (
            {"seed": [1, 2], "repeats": 10000, "batch_size": [1, 2, 3, 4, 5, 6]},
            "found 120,000 combinations, expected at most 100,000",
        ),
        (
            {"dataset": ["small"], "batch_size": [101]},
            "batch_size: found 101, expected at most the 100 training images of small",
        ),
        (
            {"evaluation": {"every_steps": 1, "every_seconds": 1}},
            "evaluation: found every_steps and every_seconds, expected one of them to be null",
        ),
        (
            {"budget": {"seconds": None, "loss": 0.2}},
            "budget: found no limit, expected seconds, steps or",
        ),
    ],
)
def test_an_impossible_run_is_refused(change, message):
    with pytest.raises(InputError, match=message):
        expand(**change)


@pytest.mark.parametrize(
    ("budget", "expected"),
    [
        ({"seconds": 60, "clock": "wall"}, "60 seconds each"),
        ({"seconds": 1800.0, "clock": "wall"}, "1,800 seconds each"),
        ({"seconds": 2.5}, "2.5 seconds of training each"),
        ({"seconds": None, "steps": 30, "clock": "wall"}, "30 steps each"),
        ({"seconds": None, "epochs": 1}, "1 epoch each"),
        (
            {"seconds": 9, "epochs": 2, "loss": 0.25, "accuracy": 95},
            "9 seconds of training or 2 epochs or until loss 0.25 or until accuracy 95 % each",
        ),
    ],
)
def test_the_title_has_the_budget(budget, expected):
    config = CONFIG | {"title": "Race", "budget": CONFIG["budget"] | budget}
    assert runs.title(config) == f"Race ({expected})"


def test_the_order_of_targets_changes_no_name():
    names = [
        runs.targets_name({"targets": {"loss": losses, "accuracy": accuracies}})
        for losses, accuracies in (
            ([0.5, 0.2], [95]),
            ([0.2, 0.5, 0.5], [95.0]),
            ([0.2], [95]),
            ([95, 0.5, 0.2], []),
        )
    ]
    assert names[0] == names[1]
    assert len(set(names)) == 3


def test_some_targets_are_named_by_those_of_all():
    config = {"targets": {"loss": [0.5, 0.2, 0.1], "accuracy": [95, 90]}}
    every = runs.targets_name(config)
    assert runs.targets_name(config, range(5)) == every
    assert runs.named_targets(config, every) == runs.asked(config)
    names = {every}
    for some in itertools.chain.from_iterable(
        itertools.combinations(range(5), count) for count in range(1, 5)
    ):
        name = runs.targets_name(config, reversed(some))
        kinds = [(kind, each) for kind, values in runs.asked(config).items() for each in values]
        expected = {
            kind: [kinds[index][1] for index in some if kinds[index][0] == kind]
            for kind in ("loss", "accuracy")
        }
        assert runs.named_targets(config, name) == expected
        names.add(name)
    assert len(names) == 31
    for name in (
        "other",
        f"{every}-",
        f"{every}-x",
        f"{every}-01",
        f"{every}-3f",
        f"{every}-1f",
    ):
        with pytest.raises(InputError, match=r"targets: found .* in a target's path"):
            runs.named_targets(config, name)
