"""The fair comparison, on sweeps whose answer is known."""

import numpy as np
import polars as pl
import pytest
from scipy import stats

from batch_race.analyze.comparison import compare
from batch_race.analyze.statistics import summarize
from batch_race.report import messages
from tests.curves import curve, each_seed, falling, measured


def answers(*tables, targets=None, width=0.0):
    measures = measured(pl.concat(tables), targets or {"loss": [1.0]}, "training", width)
    return compare(measures, summarize(measures))


def sweep(times, **run):
    """One configuration's runs, which take so many seconds to the target."""
    return each_seed(lambda seconds, **seed: falling(2 * seconds, **seed), times, **run)


def test_each_batch_size_is_stood_for_by_its_best_learning_rate():
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


def test_a_gap_that_every_seed_shows_is_a_difference():
    # The seeds differ by more than the batch sizes do: only in pairs can that be seen.
    second = verdict([10, 20, 30, 40], [11, 22, 33.2, 43.9])
    assert second["verdict"] == "slower"
    assert second["ratio"] == pytest.approx(1.1, rel=0.01)
    assert 1 < second["ratio_low"] < second["ratio"] < second["ratio_high"]
    assert second["seeds"] == 4
    assert second["ratio_interval"] == "95 % for all comparisons of the target at once"


def test_a_gap_that_some_seeds_deny_is_none():
    assert verdict([10, 20, 30], [9, 25, 31])["verdict"] == "not distinguishable"


@pytest.mark.parametrize(
    ("width", "found"), [(0.0, "slower"), (0.02, "slower"), (0.1, "not distinguishable")]
)
def test_what_lies_within_the_brackets_is_no_difference(width, found):
    # Every seed shows 5 %, but the steps looked at are further apart.
    (answer,) = answers(
        sweep([10, 20, 30, 40], batch_size=32),
        sweep([10.5, 21, 31.5, 42], batch_size=64),
        width=width,
    )
    second = answer["ranking"][1]
    assert (second["verdict"], second["ratio"]) == (found, pytest.approx(1.05))
    assert second["seconds_after"] == pytest.approx(26.25 * (1 - width))
    said = messages.answer([answer])
    assert ("(26.2 s" if width == 0 else f"({26.25 * (1 - width):.3g}–26.2 s") in said


def test_one_seed_proves_nothing():
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
    # The critical value is simulated, on the safe side.
    assert bounds == pytest.approx((np.exp(interval.low), np.exp(interval.high)), rel=0.01)
    assert bounds[0] < np.exp(interval.low)


def test_the_interval_is_wider_where_more_is_compared():
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
    # Its median is 26 s, but it may well be as fast as the first.
    noisy = sweep([8, 26, 30], batch_size=64, learning_rate=0.1)
    (answer,) = answers(first, slow, noisy)
    assert answer["ranking"][1]["learning_rate"] == 0.01
    assert answer["ranking"][1]["verdict"] == "not distinguishable"


def test_only_seeds_that_all_have_are_compared():
    (answer,) = answers(
        sweep([10, 20, 30], batch_size=32),
        sweep([11, 22], batch_size=64).with_columns(seed=pl.col("seed") + 2),
    )
    second = next(entry for entry in answer["ranking"] if entry["batch_size"] == 32)
    assert (second["seeds"], second["verdict"]) == (1, "unknown")


def test_a_batch_size_of_one_run_costs_the_others_none_of_their_seeds():
    table = [sweep([10, 10.1, 10.2], batch_size=32), sweep([20, 20.1, 20.2], batch_size=64)]
    (answer,) = answers(*table, sweep([40], batch_size=1))
    verdicts = {entry["batch_size"]: entry["verdict"] for entry in answer["ranking"][1:]}
    assert verdicts == {64: "slower", 1: "unknown"}


def test_a_run_that_missed_counts_with_what_it_was_given():
    missed = curve([2.0] * 201, step_seconds=0.5, batch_size=64, seed=4)  # 100 s for nothing
    (answer,) = answers(
        sweep([10, 10, 10, 10], batch_size=32), sweep([19, 20, 21], batch_size=64), missed
    )
    second = answer["ranking"][1]
    assert second["seeds"] == 4
    assert second["ratio"] == pytest.approx((1.9 * 2 * 2.1 * 10) ** 0.25)
    assert second["ratio_high"] is None


def test_a_diverged_run_counts_as_one_that_never_arrives():
    # Each run lives 0.5 s and diverges, where the true ratio is 2.
    lost = curve([2.0, 99.0], batch_size=64, seed=4, stopped="diverged")
    first = sweep([10, 10.1, 10.2, 10.3], batch_size=32)
    (answer,) = answers(first, sweep([20, 20.1, 20.2], batch_size=64), lost)
    second = answer["ranking"][1]
    # The longest that any run was given is 40.5 s.
    assert second["ratio"] == pytest.approx(
        (20 / 10 * 20.1 / 10.1 * 20.2 / 10.2 * 40.5 / 10.3) ** 0.25
    )
    assert (second["diverged"], second["ratio_high"]) == (1, None)


def test_a_learning_rate_that_always_diverges_hinders_no_verdict():
    lost = pl.concat(
        curve([2.0, 99.0], batch_size=64, learning_rate=9.0, seed=seed, stopped="diverged")
        for seed in (1, 2, 3)
    )
    (answer,) = answers(
        sweep([10, 10.1, 10.2], batch_size=32), sweep([30, 30.1, 30.2], batch_size=64), lost
    )
    assert answer["ranking"][1]["verdict"] == "slower"


def test_a_winner_that_missed_where_another_did_not_is_not_ahead():
    missed = curve([2.0] * 81, batch_size=32, seed=4)
    (answer,) = answers(
        sweep([10, 10, 10], batch_size=32), missed, sweep([20, 20, 20, 20], batch_size=64)
    )
    assert answer["ranking"][0]["batch_size"] == 32
    assert answer["ranking"][1]["verdict"] == "not distinguishable"


def test_a_learning_rate_that_was_not_given_the_time_is_not_shown_slower():
    first = sweep([10, 10.1, 10.2], batch_size=32)
    second = sweep([20, 20.1, 20.2], batch_size=64)
    (answer,) = answers(first, second)
    assert answer["ranking"][1]["verdict"] == "slower"
    short = each_seed(curve, [[2.0] * 3] * 3, batch_size=64, learning_rate=0.1)  # 1 s
    (answer,) = answers(first, second, short)
    assert answer["ranking"][1]["verdict"] == "not distinguishable"
    # Of the winner's own learning rates, or another batch size's, it hinders nothing.
    for size in (32, 1):
        short = each_seed(curve, [[2.0] * 3] * 3, batch_size=size, learning_rate=0.1)
        (answer,) = answers(first, second, short)
        assert answer["ranking"][1]["verdict"] == "slower"


def test_a_run_that_took_no_step_is_not_compared():
    tables = [sweep([10, 10.1, 10.2], batch_size=32), sweep([20, 20.1, 20.2], batch_size=64)]
    idle = each_seed(curve, [[2.0]] * 3, batch_size=64, learning_rate=0.1)
    (answer,) = answers(*tables, idle)
    assert answer["ranking"][1]["verdict"] == "unknown"


def test_a_target_that_the_initial_weights_meet_is_no_race():
    tables = [sweep([10, 11], batch_size=32), sweep([20, 21], batch_size=64)]
    (answer,) = answers(*tables, targets={"loss": [2.5]})
    assert (answer["initial"], answer["ranking"], answer["missed"]) == (4, [], [])
    assert lines(*tables, targets={"loss": [2.5]}) == [
        "To loss 2.5 on mnist: no race, the initial weights meet it (4 runs)."
    ]


def test_what_the_budget_ended_is_unknown_not_missed():
    # Each run ends at loss 1, where its accuracy is 90 %; what 95 % takes is not known.
    ended = {"stopped": "target", "seed": 1}
    runs = [curve([2.0, 1.5, 1.0], batch_size=8, **ended), curve([2.0, 1.0], **ended)]
    missed = curve([2.0, 1.9], batch_size=1)
    (answer,) = answers(*runs, missed, targets={"accuracy": [95]})
    assert (answer["ranking"], answer["unknown"], answer["missed"]) == ([], [8, 32], [1])
    assert lines(*runs, missed, falling(9, batch_size=64), targets={"accuracy": [95]})[0] == (
        "To accuracy 95 % on mnist: batch 64 at learning rate 0.01, 6.75 s; batch 1 did not reach "
        "it; whether batch 8, 32 reach it is unknown: a target of the budget ended runs, or they "
        "were not asked."
    )


def test_a_learning_rate_whose_outcome_is_unknown_may_be_the_best():
    ended = [
        curve([2.0, 1.5], batch_size=64, learning_rate=0.1, seed=seed, stopped="target")
        for seed in (1, 2, 3)
    ]
    tables = [sweep([10, 10.1, 10.2], batch_size=32), sweep([20, 20.1, 20.2], batch_size=64)]
    (answer,) = answers(*tables, *ended)
    assert answer["ranking"][1]["verdict"] == "unknown"
    assert any("Not compared with the first: batch 64." in line for line in lines(*tables, *ended))


def test_what_did_not_arrive_is_named():
    tables = [
        sweep([10, 10], batch_size=32),
        curve([2.0, 1.5], batch_size=1),
        curve([2.0], batch_size=7),
        curve([2.0, 99.0], batch_size=3, stopped="diverged"),
    ]
    (answer,) = answers(*tables)
    assert (answer["missed"], answer["diverged"]) == ([1, 7], [3])
    assert "; batch 1, 7 did not reach it; batch 3 diverged." in lines(*tables)[0]


def test_settings_and_targets_have_answers_of_their_own():
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


def lines(*tables, **kwargs):
    return messages.answer(answers(*tables, **kwargs)).splitlines()


def test_the_answer_in_words():
    assert lines(
        sweep([10, 20, 30], batch_size=32, learning_rate=0.03),
        sweep([9, 25, 31], batch_size=64, learning_rate=0.03),
        sweep([90, 250, 310], batch_size=128, learning_rate=0.03),
        sweep([99, 999, 999], batch_size=64, learning_rate=0.01),
        sweep([99, 999, 999], batch_size=32, learning_rate=0.01),
        sweep([99, 999, 999], batch_size=64, learning_rate=0.1),
        curve([2.0, 1.5], batch_size=1, learning_rate=0.03),
    ) == [
        "To loss 1 on mnist: batch 32 at learning rate 0.03, 20 s [10, 30]; batch 64 is not "
        "distinguishable (25 s [9, 31]); batch 128 took 10.5 [3.61, 30.6] times as long (250 s "
        "[90, 310]); batch 1 did not reach it.",
        "In brackets: after seconds, lowest to highest of 3; after a ratio, 95 % for all "
        "comparisons of the target at once.",
        "Where a batch size had one learning rate, it may have a better one: give a list of rates.",
        "At the end of the learning rates tried, so perhaps not at their best: batch 32 (0.03).",
    ]


def test_what_one_seed_and_one_rate_cannot_say_is_said():
    assert lines(sweep([10], batch_size=32), sweep([20], batch_size=64)) == [
        "To loss 1 on mnist: batch 32 at learning rate 0.01, 10 s; batch 64 took 2 times as long "
        "(20 s).",
        "With one seed nothing tells a difference from chance: raise `repeats` to find out.",
        "Where a batch size had one learning rate, it may have a better one: give a list of rates.",
    ]


def test_a_target_that_nobody_reached():
    assert lines(
        curve([2.0, 1.5], batch_size=32), curve([2.0, 1.75], batch_size=1), targets={"loss": [0.2]}
    ) == [
        "To loss 0.2 on mnist: no batch size reached it; batch 32 at learning rate 0.01 came "
        "nearest, 1.5."
    ]
    diverged = curve([2.0, float("nan")], stopped="diverged")
    assert lines(diverged, targets={"loss": [0.2]}) == ["To loss 0.2 on mnist: all runs diverged."]
    assert lines(curve([2.0, 1.5]), targets={"accuracy": [97]}) == [
        "To accuracy 97 % on mnist: no batch size reached it; batch 32 at learning rate 0.01 came "
        "nearest, 85 %."
    ]


def test_marks_and_machines_are_named():
    said = lines(
        sweep([10, 20], machine="A", contended=True),
        sweep([10, 20], machine="B"),
        curve([2.0], machine="B", seed=3),
    )
    assert said == [
        "To loss 1 on mnist, machine A: batch 32 at learning rate 0.01, 15 s [10, 20], 2 of 2 "
        "contended.",
        "To loss 1 on mnist, machine B: batch 32 at learning rate 0.01, 20 s [10, …], 1 of 3 runs "
        "missed it.",
        "In brackets: after seconds, lowest to highest of 2 or lowest to highest of 3.",
        "Not all runs were made on one type of machine, and times are only compared within each: "
        "what is said of A leaves out the runs that only others made. Ask the batch system for one "
        "type (docs/scaling.md).",
    ]


def test_no_target_is_no_question():
    assert messages.answer([]).startswith("No target is configured")


def test_of_very_many_batch_sizes_the_first_are_named_and_the_others_counted():
    alike = [each_seed(falling, [10, 20], batch_size=size) for size in range(1, 31)]
    lost = [each_seed(curve, [[2.0, 1.9]] * 2, batch_size=size) for size in range(31, 61)]
    (answer,) = (line for line in lines(*alike, *lost) if line.startswith("To loss"))
    assert answer.count("is not distinguishable") == 8
    assert "; 21 more are not distinguishable; " in answer
    assert "batch 31, 32, 33, 34, 35, 36, 37, 38 and 22 more did not reach it" in answer


def on(machine, table):
    return table.with_columns(machine=pl.lit(machine))


def test_a_sweep_that_was_scattered_over_machines_is_called_so():
    # A batch system sent some runs to one type of machine and some to another.
    found = answers(
        on("Abacus 3", sweep([3, 3, 4], batch_size=32)),
        on("Abacus 9", sweep([1, 1, 1], batch_size=64)),
        on("Abacus 9", sweep([2], batch_size=32)),
    )
    elsewhere = {each["machine"]: each["elsewhere"] for each in found}
    assert elsewhere == {"Abacus 3": {"Abacus 9": 3}, "Abacus 9": {"Abacus 3": 2}}
    # Never in one ranking: the fast machine's batch 64 has not beaten the slow one's 32.
    sizes = {each["machine"]: [e["batch_size"] for e in each["ranking"]] for each in found}
    assert sizes == {"Abacus 3": [32], "Abacus 9": [64, 32]}
    assert "what is said of Abacus 3; Abacus 9 leaves out the runs" in messages.answer(found)


def test_whole_sweeps_of_two_machines_are_not():
    found = answers(
        on("Abacus 3", sweep([3, 4], batch_size=32)), on("Abacus 9", sweep([1, 2], batch_size=32))
    )
    assert [each["elsewhere"] for each in found] == [{}, {}]
    assert "one type of machine" not in messages.answer(found)
