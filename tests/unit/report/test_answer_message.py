"""The answer as text, on sweeps whose answer is known."""

import pytest

from batch_race.report import answer_message
from tests.curves import curve, each_seed, falling
from tests.unit.analyze.sweeps import answers, sweep

OTHER_RATES = "Other learning rates may be faster: set `learning_rate: auto`, or a list of them."


def lines(*tables, **kwargs):
    given, *others = answer_message.write(answers(*tables, **kwargs), "9 seconds").splitlines()
    assert given == "Each run on mnist was given 9 seconds."
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
        "Batch 32 was fastest to loss 1: 20 s [10, 30] (learning rate 0.03).",
        "  Batch 64 is not distinguishable from it: 25 s [9, 31].",
        "  Batch 128 took 10.5 [3.61, 30.6] times as long: 250 s [90, 310].",
        "  Batch 1 did not reach it.",
        "In brackets: seconds, lowest to highest of 3; ratios, 95 % for all comparisons of the "
        "target at once.",
        OTHER_RATES,
        "At the end of the learning rates tried, so perhaps not at their best: batch 32 (0.03).",
    ]


def test_a_tuned_hyperparameter_is_named_unless_it_has_its_default():
    kept = sweep([10, 20], batch_size=7, leftover="keep")
    assert lines(kept)[0].endswith("15 s [10, 20] (learning rate 0.01, leftover keep).")
    assert "leftover" not in lines(sweep([10, 20], batch_size=7))[0]


@pytest.mark.parametrize(("width", "text"), [(0.0, ": 26.2 s ["), (0.1, ": 23.6–26.2 s [")])
def test_a_bracket_is_written_where_its_ends_differ(width, text):
    tables = [sweep([10, 20, 30, 40], batch_size=32), sweep([10.5, 21, 31.5, 42], batch_size=64)]
    assert text in lines(*tables, width=width)[1]


def test_the_limits_of_one_seed_and_one_learning_rate_are_caveats():
    assert lines(sweep([10], batch_size=32), sweep([20], batch_size=64)) == [
        "Batch 32 was fastest to loss 1: 10 s (learning rate 0.01).",
        "  Batch 64 took 2 times as long: 20 s.",
        "One seed cannot show whether a difference is real: set `repeats: 6`.",
        OTHER_RATES,
    ]


def test_a_target_met_by_the_initial_weights_is_no_race():
    tables = [sweep([10, 11], batch_size=32), sweep([20, 21], batch_size=64)]
    assert lines(*tables, targets={"loss": [2.5]}) == [
        "No race to loss 2.5: the initial weights meet it (4 runs)."
    ]


def test_a_target_that_no_run_reached_has_a_nearest_run():
    assert lines(
        curve([2.0, 1.5], batch_size=32), curve([2.0, 1.75], batch_size=1), targets={"loss": [0.2]}
    ) == [
        "No batch size reached loss 0.2: batch 32 came nearest, 1.5 (learning rate 0.01).",
        "  Batches 1 and 32 did not reach it.",
    ]
    diverged = curve([2.0, float("nan")], stopped="diverged")
    assert lines(diverged, targets={"loss": [0.2]}) == [
        "No batch size reached loss 0.2.",
        "  Batch 32 diverged.",
    ]
    assert lines(curve([2.0, 1.5]), targets={"accuracy": [97]})[0] == (
        "No batch size reached accuracy 97 %: batch 32 came nearest, 85 % (learning rate 0.01)."
    )


def test_a_miss_that_rounds_to_the_target_has_more_digits():
    (line, _) = lines(curve([2.0, 0.50001]), targets={"loss": [0.5]})
    assert " came nearest, 0.50001 (" in line


def test_a_target_that_some_runs_reached_is_not_called_missed():
    assert lines(
        sweep([10], batch_size=32),
        curve([2.0, 1.5], batch_size=32, seed=2),
        curve([2.0, 1.5], batch_size=1),
    ) == [
        "No batch size reached loss 1 in more than half of its runs.",
        "  Batch 32 reached it in 1 of 2 runs.",
        "  Batch 1 did not reach it.",
    ]


def test_batch_sizes_outside_the_ranking_are_named_with_their_reason():
    assert lines(
        sweep([10, 10], batch_size=32),
        curve([2.0, 1.5], batch_size=1),
        curve([2.0], batch_size=7),
        curve([2.0], batch_size=60000),
        curve([2.0, 99.0], batch_size=3, stopped="diverged"),
    )[1:3] == ["  Batches 1, 7 and all (60,000) did not reach it.", "  Batch 3 diverged."]
    ended = {"stopped": "target", "seed": 1}
    unknown = [curve([2.0, 1.5, 1.0], batch_size=8, **ended), curve([2.0, 1.0], **ended)]
    reason = (
        "  Batches 8 and 32 may or may not reach it: a target of the budget ended runs first, or "
        "they were not asked for this target."
    )
    missed = curve([2.0, 1.9], batch_size=1)
    assert lines(*unknown, missed, falling(9, batch_size=64), targets={"accuracy": [95]}) == [
        "Batch 64 was fastest to accuracy 95 %: 6.75 s (learning rate 0.01).",
        "  Batch 1 did not reach it.",
        reason,
    ]
    assert lines(*unknown, targets={"accuracy": [95]}) == [
        "No batch size is known to have reached accuracy 95 %: batch 8 came nearest, 90 % "
        "(learning rate 0.01).",
        reason,
    ]


def test_a_batch_size_alone_is_not_the_fastest():
    assert lines(sweep([10])) == ["Batch 32 reached loss 1 in 10 s (learning rate 0.01)."]


def test_a_batch_size_at_another_learning_rate_than_the_fastest_has_it_named():
    found = lines(
        sweep([10], batch_size=32, learning_rate=0.1),
        sweep([20], batch_size=64, learning_rate=0.3),
        sweep([30], batch_size=128, learning_rate=0.1),
    )
    assert found[1:3] == [
        "  Batch 64 took 2 times as long: 20 s (learning rate 0.3).",
        "  Batch 128 took 3 times as long: 30 s.",
    ]


def test_a_batch_size_that_cannot_be_compared_is_a_caveat():
    ended = [
        curve([2.0, 1.5], batch_size=64, learning_rate=0.1, seed=seed, stopped="target")
        for seed in (1, 2, 3)
    ]
    tables = [sweep([10, 10.1, 10.2], batch_size=32), sweep([20, 20.1, 20.2], batch_size=64)]
    found = lines(*tables, *ended)
    assert found[1] == "  Batch 64 took 20.1 s [20, 20.2] (no verdict)."
    assert any(line.startswith("No verdict on batch 64 where none is given: ") for line in found)


def test_intervals_of_another_kind_than_the_first_have_it_named():
    found = lines(
        sweep([10, 10.1, 10.2], batch_size=32),
        sweep([20, 20.1], batch_size=64),
        sweep(range(30, 36), batch_size=128),
        sweep([90], batch_size=1),
    )
    assert found[0] == "Batch 32 was fastest to loss 1: 10.1 s [10, 10.2] (learning rate 0.01)."
    assert found[1].endswith(" times as long: 20.1 s [20, 20.1; lowest to highest of 2].")
    assert found[2].endswith(" times as long: 32.5 s [30, 35; 95 %].")
    assert found[3] == "  Batch 1 took 90 s (no verdict)."
    assert found[4].startswith("In brackets: seconds, lowest to highest of 3; ratios, 95 % for all")


def test_lost_runs_and_machines_are_named():
    assert lines(
        sweep([10, 20], machine="A"),
        sweep([10, 20], machine="B"),
        curve([2.0], machine="B", seed=3),
    ) == [
        "Batch 32 reached loss 1 with machine A in 15 s [10, 20] (learning rate 0.01).",
        "Batch 32 reached loss 1 with machine B in 20 s [10, …; lowest to highest of 3] (learning "
        "rate 0.01; 1 of 3 runs did not reach it).",
        "In brackets: seconds, lowest to highest of 2.",
        "Not all runs were made on one type of machine, and times are only compared within each: "
        "the answer for A leaves out the runs that only other machines made. Ask the batch system "
        "for one type (docs/scaling.md).",
    ]


def test_versions_are_named():
    text = answer_message.write(
        answers(sweep([3, 4], software="numpy 2"), sweep([1, 2], software="numpy 3", batch_size=8)),
        "9 seconds",
    )
    assert "Batch 32 reached loss 1 with software numpy 2 in 3.5 s" in text
    assert "the answer for numpy 2; numpy 3 leaves out the runs that only others made." in text


def test_a_whole_sweep_on_each_machine_has_no_caveat():
    found = answers(sweep([3, 4], machine="A"), sweep([1, 2], machine="B"))
    assert "one type of machine" not in answer_message.write(found, "9 seconds")


def test_without_a_target_there_is_nothing_to_answer():
    assert answer_message.write([], "9 seconds").startswith("No target is configured")


def test_of_many_batch_sizes_a_dozen_are_named_and_the_others_counted():
    alike = [each_seed(falling, [10, 20], batch_size=size) for size in range(1, 16)]
    lost = [each_seed(curve, [[2.0, 1.9]] * 2, batch_size=size) for size in range(31, 61)]
    found = lines(*alike, *lost)
    assert sum("is not distinguishable" in line for line in found) == 11
    assert found[12] == "  33 more: 3 not distinguishable, 30 did not reach it."


def test_stopped_batch_sizes_are_named_with_their_bounds():
    (answer,) = answers(sweep([10, 20], batch_size=32))
    stopped = {1: 3.5, 8: 3.5, 60000: 40.0}
    answer["stopped"] = [
        {"batch_size": size, "more_than": seconds, "runs": 1, "pruned": 1}
        for size, seconds in stopped.items()
    ]
    assert answer_message.write([answer], "9 seconds", 1.5).splitlines()[2:4] == [
        "  Batches 1 and 8 took more than 1.5 times as long (stopped): over 3.5 s.",
        "  Batch all (60,000) took more than 1.5 times as long (stopped): over 40 s.",
    ]


def test_a_seed_that_was_stopped_is_not_called_a_miss():
    (answer,) = answers(sweep([10, 11, 12], batch_size=32))
    answer["ranking"][0] |= {"reached": 2, "stopped": 1}
    text = answer_message.write([answer], "9 seconds", 1.5)
    assert "(learning rate 0.01; 1 of 3 runs stopped)" in text


@pytest.mark.parametrize(
    ("contended", "text"), [((1, 1), "1 of 1 run was"), ((2, 9), "2 of 9 runs were")]
)
def test_contended_runs_are_counted_last(contended, text):
    found = answer_message.write(answers(sweep([10])), "9 seconds", contended=contended)
    assert found.splitlines()[-1] == (
        f'{text} slowed by other programs: see "Contention" in docs/method.md.'
    )


def test_several_datasets_are_named_with_each_target():
    found = answers(sweep([10], dataset="mnist"), sweep([20], dataset="kmnist"))
    given, *others = answer_message.write(found, "9 seconds").splitlines()
    assert given == "Each run was given 9 seconds."
    assert [line.partition(" in ")[0] for line in others] == [
        "Batch 32 reached loss 1 on kmnist",
        "Batch 32 reached loss 1 on mnist",
    ]


def test_a_verdict_that_pruning_leaves_open_is_explained():
    (answer,) = answers(sweep([10, 11], batch_size=32), sweep([20, 21], batch_size=64))
    answer["ranking"][1]["verdict"] = "unknown"
    text = answer_message.write([answer], "9 seconds", 1.5)
    assert "No verdict on batch 64 where none is given: some of their learning rates" in text
    assert "more than 1.5 times as long" in text
    assert "repeats" not in text
