"""The comparison of batch sizes, on sweeps whose answer is known."""

import numpy as np
import polars as pl
import pytest
from scipy import stats

from tests.curves import curve, each_seed
from tests.unit.analyze.sweeps import answers, sweep


def test_each_batch_size_is_represented_by_its_best_learning_rate():
    (answer,) = answers(
        sweep([9, 9, 9], batch_size=1, learning_rate=0.1),
        sweep([5, 6, 7], batch_size=1, learning_rate=0.01),
        sweep([3, 3, 4], batch_size=32, learning_rate=0.1),
        sweep([4, 4, 4], batch_size=32, learning_rate=0.01),
    )
    ranking = [
        (entry["batch_size"], entry["learning_rate"], entry["seconds"])
        for entry in answer["ranking"]
    ]
    assert ranking == [(32, 0.1, pytest.approx(3)), (1, 0.01, pytest.approx(6))]
    assert answer["ranking"][0]["learning_rates"] == [0.01, 0.1]


def verdict(first, other):
    (answer,) = answers(
        sweep(first, batch_size=32, learning_rate=0.1),
        sweep(other, batch_size=64, learning_rate=0.1),
    )
    return answer["ranking"][1]


def test_a_consistent_difference_is_slower():
    # Seeds differ by more than batch sizes do: only a paired comparison finds it.
    second = verdict([10, 20, 30, 40], [11, 22, 33.2, 43.9])
    assert second["verdict"] == "slower"
    assert second["ratio"] == pytest.approx(1.1, rel=0.01)
    assert 1 < second["ratio_low"] < second["ratio"] < second["ratio_high"]
    assert second["seeds"] == 4
    assert second["ratio_interval"] == "95 % for all comparisons of the target at once"


def test_an_inconsistent_difference_is_not_distinguishable():
    assert verdict([10, 20, 30], [9, 25, 31])["verdict"] == "not distinguishable"


@pytest.mark.parametrize(
    ("width", "found"), [(0.0, "slower"), (0.02, "slower"), (0.1, "not distinguishable")]
)
def test_overlapping_brackets_are_not_distinguishable(width, found):
    # Every seed differs by 5 %, but the brackets may be wider.
    (answer,) = answers(
        sweep([10, 20, 30, 40], batch_size=32),
        sweep([10.5, 21, 31.5, 42], batch_size=64),
        width=width,
    )
    second = answer["ranking"][1]
    assert (second["verdict"], second["ratio"]) == (found, pytest.approx(1.05))
    assert second["seconds_after"] == pytest.approx(26.25 * (1 - width))


@pytest.mark.parametrize("width", [0.02, 0.3, 1.0])
def test_what_brackets_leave_open_of_the_times_is_left_open_of_the_ratio(width):
    tables = sweep([10, 20, 30, 40], batch_size=32), sweep([31, 58, 93, 117], batch_size=64)
    exact, bracketed = (answers(*tables, width=each)[0]["ranking"][1] for each in (0.0, width))
    assert bracketed["ratio"] == exact["ratio"]
    # The slower one's times may be shorter, or the winner's.
    assert bracketed["ratio_low"] == pytest.approx(exact["ratio_low"] * (1 - width))
    high = exact["ratio_high"] / (1 - width) if width < 1 else None
    assert bracketed["ratio_high"] == (high and pytest.approx(high))


def test_one_seed_has_no_verdict():
    second = verdict([10], [30])
    assert second["verdict"] == "unknown"
    assert second["ratio"] == pytest.approx(3)
    assert (second["ratio_low"], second["ratio_high"], second["ratio_interval"]) == (None,) * 3


def test_the_interval_of_two_batch_sizes_is_that_of_the_paired_t_test():
    times, others = [1.0, 2.0, 4.0, 3.0], [1.5, 2.9, 6.5, 4.1]
    interval = stats.ttest_rel(np.log(others), np.log(times)).confidence_interval(0.95)
    second = verdict(times, others)
    assert second["ratio"] == pytest.approx(stats.gmean(np.divide(others, times)))
    bounds = (second["ratio_low"], second["ratio_high"])
    # The simulated critical value is conservative.
    assert bounds == pytest.approx((np.exp(interval.low), np.exp(interval.high)), rel=0.01)
    assert bounds[0] < np.exp(interval.low)


def test_the_interval_is_wider_with_more_comparisons():
    gap = ([10, 10.5, 11.2], [13, 13.1, 14.4])
    alone = verdict(*gap)
    (answer,) = answers(
        sweep(gap[0], batch_size=32),
        sweep(gap[1], batch_size=64),
        *(sweep([20 + size, 21, 22], batch_size=size) for size in range(1, 7)),
    )
    among_many = answer["ranking"][1]
    assert among_many["batch_size"] == 64
    assert among_many["ratio"] == pytest.approx(alone["ratio"])
    assert among_many["ratio_low"] < alone["ratio"] < among_many["ratio_high"]


def test_a_batch_size_is_slower_only_if_all_its_learning_rates_are():
    first = sweep([10, 10.1, 10.2], batch_size=32)
    slow = sweep([20, 20.1, 20.2], batch_size=64)
    (answer,) = answers(first, slow)
    assert answer["ranking"][1]["verdict"] == "slower"
    # Its median is 26 s, but its seeds vary too much.
    noisy = sweep([8, 26, 30], batch_size=64, learning_rate=0.1)
    (answer,) = answers(first, slow, noisy)
    assert answer["ranking"][1]["learning_rate"] == 0.01
    assert answer["ranking"][1]["verdict"] == "not distinguishable"


def test_only_shared_seeds_are_compared():
    (answer,) = answers(
        sweep([10, 20, 30], batch_size=32),
        sweep([11, 22], batch_size=64).with_columns(seed=pl.col("seed") + 2),
    )
    second = next(entry for entry in answer["ranking"] if entry["batch_size"] == 32)
    assert (second["seeds"], second["verdict"]) == (1, "unknown")


def test_a_batch_size_of_one_seed_does_not_restrict_the_others():
    table = [sweep([10, 10.1, 10.2], batch_size=32), sweep([20, 20.1, 20.2], batch_size=64)]
    (answer,) = answers(*table, sweep([40], batch_size=1))
    verdicts = {entry["batch_size"]: entry["verdict"] for entry in answer["ranking"][1:]}
    assert verdicts == {64: "slower", 1: "unknown"}


def test_a_missed_run_is_censored():
    missed = curve(
        [2.0] * 201, step_seconds=0.5, batch_size=64, seed=4
    )  # 100 s, without reaching it
    (answer,) = answers(
        sweep([10, 10, 10, 10], batch_size=32), sweep([19, 20, 21], batch_size=64), missed
    )
    second = answer["ranking"][1]
    assert second["seeds"] == 4
    assert second["ratio"] == pytest.approx((1.9 * 2 * 2.1 * 10) ** 0.25)
    assert second["ratio_high"] is None


def test_a_diverged_run_is_censored_at_the_longest_time():
    # The run diverges after 0.5 s; the true ratio is 2.
    lost = curve([2.0, 99.0], batch_size=64, seed=4, stopped="diverged")
    first = sweep([10, 10.1, 10.2, 10.3], batch_size=32)
    (answer,) = answers(first, sweep([20, 20.1, 20.2], batch_size=64), lost)
    second = answer["ranking"][1]
    # The longest run takes 40.5 s.
    assert second["ratio"] == pytest.approx(
        (20 / 10 * 20.1 / 10.1 * 20.2 / 10.2 * 40.5 / 10.3) ** 0.25
    )
    assert (second["diverged"], second["ratio_high"]) == (1, None)


def test_a_learning_rate_that_always_diverges_prevents_no_verdict():
    lost = pl.concat(
        curve([2.0, 99.0], batch_size=64, learning_rate=9.0, seed=seed, stopped="diverged")
        for seed in (1, 2, 3)
    )
    (answer,) = answers(
        sweep([10, 10.1, 10.2], batch_size=32), sweep([30, 30.1, 30.2], batch_size=64), lost
    )
    assert answer["ranking"][1]["verdict"] == "slower"


def test_a_winner_that_missed_at_a_seed_is_not_ahead():
    missed = curve([2.0] * 81, batch_size=32, seed=4)
    (answer,) = answers(
        sweep([10, 10, 10], batch_size=32), missed, sweep([20, 20, 20, 20], batch_size=64)
    )
    assert answer["ranking"][0]["batch_size"] == 32
    assert answer["ranking"][1]["verdict"] == "not distinguishable"


def test_a_learning_rate_with_too_small_a_budget_is_not_slower():
    first = sweep([10, 10.1, 10.2], batch_size=32)
    second = sweep([20, 20.1, 20.2], batch_size=64)
    (answer,) = answers(first, second)
    assert answer["ranking"][1]["verdict"] == "slower"
    short = each_seed(curve, [[2.0] * 3] * 3, batch_size=64, learning_rate=0.1)  # 1 s
    (answer,) = answers(first, second, short)
    assert answer["ranking"][1]["verdict"] == "not distinguishable"
    # A short learning rate of the winner or of a third batch size changes nothing.
    for size in (32, 1):
        short = each_seed(curve, [[2.0] * 3] * 3, batch_size=size, learning_rate=0.1)
        (answer,) = answers(first, second, short)
        assert answer["ranking"][1]["verdict"] == "slower"


def test_a_run_without_a_step_is_not_compared():
    tables = [sweep([10, 10.1, 10.2], batch_size=32), sweep([20, 20.1, 20.2], batch_size=64)]
    idle = each_seed(curve, [[2.0]] * 3, batch_size=64, learning_rate=0.1)
    (answer,) = answers(*tables, idle)
    assert answer["ranking"][1]["verdict"] == "unknown"


def test_a_target_met_by_the_initial_weights_has_no_ranking():
    tables = [sweep([10, 11], batch_size=32), sweep([20, 21], batch_size=64)]
    (answer,) = answers(*tables, targets={"loss": [2.5]})
    assert (answer["initial"], answer["ranking"], answer["missed"]) == (4, [], [])


def test_a_run_ended_by_a_target_of_the_budget_is_unknown():
    # Each run ends at loss 1, at an accuracy of 90 %, so the cost of 95 % is not known.
    ended = {"stopped": "target", "seed": 1}
    runs = [curve([2.0, 1.5, 1.0], batch_size=8, **ended), curve([2.0, 1.0], **ended)]
    missed = curve([2.0, 1.9], batch_size=1)
    (answer,) = answers(*runs, missed, targets={"accuracy": [95]})
    assert (answer["ranking"], answer["unknown"], answer["missed"]) == ([], [8, 32], [1])


def test_a_learning_rate_of_unknown_outcome_prevents_a_verdict():
    ended = [
        curve([2.0, 1.5], batch_size=64, learning_rate=0.1, seed=seed, stopped="target")
        for seed in (1, 2, 3)
    ]
    tables = [sweep([10, 10.1, 10.2], batch_size=32), sweep([20, 20.1, 20.2], batch_size=64)]
    (answer,) = answers(*tables, *ended)
    assert answer["ranking"][1]["verdict"] == "unknown"


def test_batch_sizes_outside_the_ranking_have_a_reason():
    tables = [
        sweep([10, 10], batch_size=32),
        curve([2.0, 1.5], batch_size=1),
        curve([2.0], batch_size=7),
        curve([2.0, 99.0], batch_size=3, stopped="diverged"),
    ]
    (answer,) = answers(*tables)
    assert (answer["missed"], answer["diverged"]) == ([1, 7], [3])


def test_a_target_reached_in_half_of_the_runs_or_less_is_not_missed():
    table = [
        sweep([10], batch_size=32),
        curve([2.0, 1.5], batch_size=32, seed=2),
        curve([2.0, 1.5], batch_size=32, learning_rate=0.1),
        curve([2.0, 1.5], batch_size=64),
    ]
    (answer,) = answers(*table)
    assert (answer["ranking"], answer["missed"]) == ([], [64])
    assert answer["partly"] == [{"batch_size": 32, "reached": 1, "runs": 2}]


def test_each_comparison_group_and_target_has_an_answer():
    found = answers(
        sweep([1, 1], machine="A"),
        sweep([2, 2], machine="B"),
        targets={"loss": [1.0, 0.5], "accuracy": [90]},
    )
    asked = [(each["machine"], each["target"], each["target_value"]) for each in found]
    assert sorted(asked) == [
        (machine, *target)
        for machine in "AB"
        for target in (("accuracy", 90), ("loss", 0.5), ("loss", 1.0))
    ]


def on(machine, table):
    return table.with_columns(machine=pl.lit(machine))


def test_runs_that_only_other_machines_made_are_counted():
    # As when a batch system distributes a sweep over two types of machine.
    found = answers(
        on("Abacus 3", sweep([3, 3, 4], batch_size=32)),
        on("Abacus 9", sweep([1, 1, 1], batch_size=64)),
        on("Abacus 9", sweep([2], batch_size=32)),
    )
    elsewhere = {each["machine"]: each["elsewhere"] for each in found}
    assert elsewhere == {"Abacus 3": {"Abacus 9": 3}, "Abacus 9": {"Abacus 3": 2}}
    # Machines have separate rankings.
    sizes = {each["machine"]: [e["batch_size"] for e in each["ranking"]] for each in found}
    assert sizes == {"Abacus 3": [32], "Abacus 9": [64, 32]}


def test_times_of_other_versions_are_not_mixed_and_their_runs_counted():
    # As when NumPy is updated between two runs, on one machine.
    def with_numpy(version, table):
        return table.with_columns(software=pl.lit(f"numpy {version}"))

    found = answers(
        with_numpy(2, sweep([3, 3, 4], batch_size=32)),
        with_numpy(3, sweep([1, 1, 1], batch_size=64)),
        on("Abacus 9", with_numpy(3, sweep([1, 1], batch_size=128))),
    )
    sizes = {
        (each["machine"], each["software"]): [e["batch_size"] for e in each["ranking"]]
        for each in found
    }
    assert sizes == {
        ("Abacus 3", "numpy 2"): [32],
        ("Abacus 3", "numpy 3"): [64],
        ("Abacus 9", "numpy 3"): [128],
    }
    missing = {
        each["software"]: each["otherwise"] for each in found if each["machine"] != "Abacus 9"
    }
    assert missing == {"numpy 2": {"numpy 3": 3}, "numpy 3": {"numpy 2": 3}}
    (other,) = (each for each in found if each["machine"] == "Abacus 9")
    assert (other["otherwise"], other["elsewhere"]) == ({}, {"Abacus 3": 6})


def test_a_whole_sweep_on_each_machine_misses_no_run():
    found = answers(
        on("Abacus 3", sweep([3, 4], batch_size=32)), on("Abacus 9", sweep([1, 2], batch_size=32))
    )
    assert [(each["elsewhere"], each["otherwise"]) for each in found] == [({}, {}), ({}, {})]
