"""The answer as text, on sweeps whose answer is known."""

import pytest

from batch_race.report import answer_message
from tests.curves import curve, each_seed, falling
from tests.unit.analyze.sweeps import answers, sweep


def lines(*tables, **kwargs):
    given, *others = answer_message.write(answers(*tables, **kwargs), "9 seconds").splitlines()
    assert given == "Each run was given 9 seconds."
    return others


def test_a_ranking_with_verdicts_intervals_and_caveats():
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
        "Where a batch size had one learning rate, it may have a better one: give a list of "
        "learning rates.",
        "At the end of the learning rates tried, so perhaps not at their best: batch 32 (0.03).",
    ]


def test_a_tuned_hyperparameter_is_named_unless_it_has_its_default():
    kept = sweep([10, 20], batch_size=7, leftover="keep")
    assert "batch 7 at learning rate 0.01, leftover keep, 15 s" in lines(kept)[0]
    assert "leftover" not in lines(sweep([10, 20], batch_size=7))[0]


@pytest.mark.parametrize(("width", "text"), [(0.0, "(26.2 s"), (0.1, "(23.6–26.2 s")])
def test_a_bracket_is_written_where_its_ends_differ(width, text):
    tables = [sweep([10, 20, 30, 40], batch_size=32), sweep([10.5, 21, 31.5, 42], batch_size=64)]
    assert text in lines(*tables, width=width)[0]


def test_the_limits_of_one_seed_and_one_learning_rate_are_caveats():
    assert lines(sweep([10], batch_size=32), sweep([20], batch_size=64)) == [
        "To loss 1 on mnist: batch 32 at learning rate 0.01, 10 s; batch 64 took 2 times as long "
        "(20 s).",
        "With one seed, a difference may be due to chance: raise `repeats` to find out.",
        "Where a batch size had one learning rate, it may have a better one: give a list of "
        "learning rates.",
    ]


def test_a_target_met_by_the_initial_weights_is_no_race():
    tables = [sweep([10, 11], batch_size=32), sweep([20, 21], batch_size=64)]
    assert lines(*tables, targets={"loss": [2.5]}) == [
        "To loss 2.5 on mnist: no race, the initial weights meet it (4 runs)."
    ]


def test_a_target_that_no_run_reached_has_a_nearest_run():
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


def test_batch_sizes_outside_the_ranking_are_named_with_their_reason():
    assert lines(
        sweep([10, 10], batch_size=32),
        curve([2.0, 1.5], batch_size=1),
        curve([2.0], batch_size=7),
        curve([2.0, 99.0], batch_size=3, stopped="diverged"),
    )[0].endswith("; batch 1, 7 did not reach it; batch 3 diverged.")
    ended = {"stopped": "target", "seed": 1}
    assert lines(
        curve([2.0, 1.5, 1.0], batch_size=8, **ended),
        curve([2.0, 1.0], **ended),
        curve([2.0, 1.9], batch_size=1),
        falling(9, batch_size=64),
        targets={"accuracy": [95]},
    )[0] == (
        "To accuracy 95 % on mnist: batch 64 at learning rate 0.01, 6.75 s; batch 1 did not reach "
        "it; whether batch 8, 32 reach it is unknown: a target of the budget ended runs, or they "
        "were not asked for this target."
    )


def test_a_batch_size_that_cannot_be_compared_is_a_caveat():
    ended = [
        curve([2.0, 1.5], batch_size=64, learning_rate=0.1, seed=seed, stopped="target")
        for seed in (1, 2, 3)
    ]
    tables = [sweep([10, 10.1, 10.2], batch_size=32), sweep([20, 20.1, 20.2], batch_size=64)]
    assert any("Not compared with the first: batch 64." in line for line in lines(*tables, *ended))


def test_flags_and_machines_are_named():
    assert lines(
        sweep([10, 20], machine="A", contended=True),
        sweep([10, 20], machine="B"),
        curve([2.0], machine="B", seed=3),
    ) == [
        "To loss 1 on mnist, machine A: batch 32 at learning rate 0.01, 15 s [10, 20], 2 of 2 "
        "contended.",
        "To loss 1 on mnist, machine B: batch 32 at learning rate 0.01, 20 s [10, …], 1 of 3 runs "
        "missed it.",
        "In brackets: after seconds, lowest to highest of 2 or lowest to highest of 3.",
        "Not all runs were made on one type of machine, and times are only compared within each: "
        "the answer for A leaves out the runs that only other machines made. Ask the batch system "
        "for one type (docs/scaling.md).",
    ]


def test_versions_are_named():
    text = answer_message.write(
        answers(sweep([3, 4], software="numpy 2"), sweep([1, 2], software="numpy 3", batch_size=8)),
        "9 seconds",
    )
    assert "To loss 1 on mnist, software numpy 2: batch 32 at" in text
    assert "the answer for numpy 2; numpy 3 leaves out the runs that only others made." in text


def test_a_whole_sweep_on_each_machine_has_no_caveat():
    found = answers(sweep([3, 4], machine="A"), sweep([1, 2], machine="B"))
    assert "one type of machine" not in answer_message.write(found, "9 seconds")


def test_without_a_target_there_is_nothing_to_answer():
    assert answer_message.write([], "9 seconds").startswith("No target is configured")


def test_of_many_batch_sizes_the_first_are_named_and_the_others_counted():
    alike = [each_seed(falling, [10, 20], batch_size=size) for size in range(1, 31)]
    lost = [each_seed(curve, [[2.0, 1.9]] * 2, batch_size=size) for size in range(31, 61)]
    (answer,) = (line for line in lines(*alike, *lost) if line.startswith("To loss"))
    assert answer.count("is not distinguishable") == 8
    assert "; 21 more are not distinguishable; " in answer
    assert "batch 31, 32, 33, 34, 35, 36, 37, 38 and 22 more did not reach it" in answer


def test_stopped_batch_sizes_are_named_with_their_bounds():
    (answer,) = answers(sweep([10, 20], batch_size=32))
    stopped = {1: 3.5, 8: 3.5, 60000: 40.0}
    answer["stopped"] = [
        {"batch_size": size, "more_than": seconds} for size, seconds in stopped.items()
    ]
    text = answer_message.write([answer], "9 seconds", 1.5).splitlines()[1]
    assert text.endswith(
        "; batch 1, 8 were stopped at 3.5 s: more than 1.5 times as long; batch 60000 was stopped "
        "at 40 s: more than 1.5 times as long."
    )


def test_a_verdict_that_pruning_leaves_open_is_explained():
    (answer,) = answers(sweep([10, 11], batch_size=32), sweep([20, 21], batch_size=64))
    answer["ranking"][1]["verdict"] = "unknown"
    text = answer_message.write([answer], "9 seconds", 1.5)
    assert "No verdict on batch 64 where none is given: with pruning, not all seeds" in text
    assert "more than 1.5 times as long" in text
    assert "repeats" not in text
