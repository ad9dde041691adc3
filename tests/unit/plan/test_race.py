"""The plan of a race: its runs have the names that they have elsewhere, and are found by them."""

import copy
import itertools
import json

import pytest
import yaml

from batch_race import hyperparameters
from batch_race.errors import InputError
from batch_race.plan import race, runs
from batch_race.plan.configuration import check
from batch_race.plan.datasets import Dataset
from tests.conftest import ROOT

DATASETS = {"mnist": Dataset("mnist", None, 60000, 10000, "", ())}


def plan(**changes):
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    config |= copy.deepcopy(changes)
    check(config, hyperparameters.load_schema())
    planned = runs.expand(config, DATASETS)
    return race.plan(config, planned, DATASETS), planned


def test_runs_that_are_known_from_the_start_are_no_race():
    assert plan()[0] is None
    assert plan(pruning={"factor": 2})[0] is None


def test_a_pruned_run_has_its_name_of_the_sweep_at_its_whole_budget():
    found, planned = plan(pruning={"enabled": True}, batch_size=[1, 32], repeats=2)
    last = len(found.parts["budgets"]) - 1
    names = {
        found.name(index, each["values"]["learning_rate"], seed, last)
        for index, each in enumerate(found.parts["entrants"])
        for seed in each["seeds"]
    }
    assert names == set(planned)
    # The keys are in the same order too: Snakemake would take another order for other parameters.
    assert all(json.dumps(found.find(name)) == json.dumps(planned[name]) for name in names)
    assert found.most_seeds == 2


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, [3.5, 7, 14]),
        ({"first_seconds": 3.5}, [3.5, 7, 14]),
        ({"first_seconds": 6}, [7, 14]),
        ({"first_seconds": 0.8}, [0.875, 1.75, 3.5, 7, 14]),
        ({"first_seconds": 7.1}, [14]),
        ({"first_seconds": 100}, [14]),
    ],
)
def test_the_whole_budget_is_halved_down_to_the_first(changes, expected):
    found, _ = plan(pruning={"enabled": True} | changes, budget={"seconds": 14})
    budgets = [each["seconds"] for each in found.parts["budgets"]]
    assert budgets[found.first_level :: race.PER_DOUBLING] == expected
    assert budgets == sorted(set(budgets))
    ratios = [later / earlier for earlier, later in itertools.pairwise(budgets)]
    assert ratios == pytest.approx([2 ** (1 / race.PER_DOUBLING)] * len(ratios), rel=0.01)


def test_a_short_budget_or_one_without_pruning_is_whole_at_once():
    for changes in (
        {"pruning": {"enabled": True}, "budget": {"seconds": 0.3}},
        {"learning_rate": "auto", "budget": {"seconds": 14}},
        {"learning_rate": "auto", "budget": {"seconds": None, "steps": 9}},
    ):
        found, _ = plan(**changes)
        (budget,) = found.parts["budgets"]
        assert budget["seconds"] == changes["budget"]["seconds"]
        assert found.first_level == 0


@pytest.mark.parametrize("rate", [3.16e-05, 0.001, 0.0178, 0.1, 1.0, 17.8, 1000.0])
def test_a_run_at_any_rate_is_found_by_its_name(rate):
    found, _ = plan(
        learning_rate=["auto", 0.5],
        batch_size=[1, 2, "all"],
        momentum=[0, 1e-5],
        shuffle=[False, True],
        pruning={"enabled": True},
        repeats=2,
    )
    for index, entrant in enumerate(found.parts["entrants"]):
        asked = entrant["values"]["learning_rate"]
        for level in (0, 3, 11):
            run = index, rate if asked == "auto" else asked, entrant["seeds"][-1], level
            assert found.find(found.name(*run)) == found.specification(*run)


def test_a_rate_beside_a_search_has_the_seeds_of_the_search():
    found, _ = plan(
        batch_size=[32],
        learning_rate=["auto", 0.5],
        repeats=2,
        include=[{"learning_rate": 0.01, "seed": 7}, {"learning_rate": 0.02, "momentum": 0.9}],
    )
    entrants = found.parts["entrants"]
    rates = {each["values"]["learning_rate"]: each["seeds"] for each in entrants}
    assert rates == {
        "auto": [1234, 1235],
        0.5: [1234, 1235],
        0.01: [1234, 1235, 7],
        0.02: [1234, 1235],
    }
    assert [len(each) for each in found.alike] == [
        1 if each["values"]["momentum"] else 3 for each in entrants
    ]


def test_names_that_no_run_can_have_are_not_found():
    found, _ = plan(learning_rate="auto", batch_size=[1, 2])
    name = found.name(0, 0.01, 1234, 0)
    assert found.find(name)
    for wrong in (
        name.replace("batch_1-", "batch_3-"),
        name.replace("rate_0.01", "rate_0.02"),
        name.replace("rate_0.01", "rate_fast"),
        name.replace("rate_0.01", "rate_auto"),
        name.replace("60_seconds", "50_seconds"),
        name.partition("/")[0],
        "ok/x",
    ):
        assert found.find(wrong) is None


def test_pruning_needs_seconds_and_targets():
    with pytest.raises(InputError, match=r"pruning: found a budget without seconds"):
        plan(pruning={"enabled": True}, budget={"seconds": None, "steps": 10})
    with pytest.raises(InputError, match=r"targets: found none, .* for pruning"):
        plan(pruning={"enabled": True}, targets={"loss": [], "accuracy": []})
    with pytest.raises(InputError, match=r"targets: found none, .* for learning_rate: auto"):
        plan(learning_rate="auto", targets={"loss": [], "accuracy": []})


def test_pruning_is_named_in_the_title():
    config = yaml.safe_load((ROOT / "config.yaml").read_text()) | {"pruning": {"enabled": True}}
    check(config, hyperparameters.load_schema())
    assert runs.title(config).endswith("(at most 60 seconds of training each)")
