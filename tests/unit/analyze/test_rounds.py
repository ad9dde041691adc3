"""The decisions between rounds, on runs whose course is known."""

import copy
import itertools
import math

import numpy as np
import pytest

from batch_race.analyze import decisions, measures, rounds
from batch_race.analyze.outcomes import Times
from batch_race.analyze.trials import known_seconds
from batch_race.report import answer_message
from batch_race.store.rounds import Round, read, write
from benchmarks import races
from benchmarks.races import Course

BUDGETS = races.budgets(16, 5)  # from 0.5 s
LOSS = {"loss": [0.1], "accuracy": []}


def race(times, *, factor=1.5, seeds=(1,), shown=None, budgets=BUDGETS, noise=0.0):
    """Run a race; `times` gives each batch size's seconds to each target.

    They are those of the first seed; those of the others differ by the noise, in logarithms.
    """
    n_targets = len(next(iter(times.values())))
    targets = {"loss": sorted(0.1 * (n + 1) for n in range(n_targets)), "accuracy": []}
    plan = races.plan({size: [0.01] for size in times}, seeds, targets, budgets, factor)
    random = np.random.default_rng(3)
    courses = {}
    for size, each in times.items():
        for seed in seeds:
            share = math.exp(noise * random.normal()) if seed != seeds[0] else 1.0
            own = [share * seconds for seconds in each]
            courses[(size, 0.01, seed)] = Course(own, shown[size] if shown else own)
    return plan, races.run(plan, courses), courses


def budget_of(plan, last):
    return {
        (plan.parts["entrants"][trial.entrant]["values"]["batch_size"], trial.seed): plan.parts[
            "budgets"
        ][trial.level]["seconds"]
        for trial in last.trials
    }


def enough(seconds):
    """Return the smallest budget of at least so many seconds."""
    return next(each for each in BUDGETS if each >= seconds)


def rules(plan, last, batch_size):
    table = decisions.tabulate(plan, last)
    rows = measures.about_runs(table).filter(batch_size=batch_size)
    return rows["rule"].to_list()


def test_a_run_is_stopped_at_the_first_budget_that_is_enough():
    plan, last, _ = race({1: [20.0], 32: [3.0], 128: [3.5]})
    # Needed is 1.5 times 3 s; the winner stops where it is.
    assert enough(4.5) < 4.6
    assert budget_of(plan, last) == {(1, 1): enough(4.5), (32, 1): 4, (128, 1): 4}
    assert rules(plan, last, 1) == ["slower"]
    (row,) = measures.about_runs(decisions.tabulate(plan, last)).filter(batch_size=1).to_dicts()
    found = row["seconds"], row["against_batch_size"], row["leader_seconds"]
    assert found == (enough(4.5), 32, 3)
    assert not row["is_whole"]


@pytest.mark.parametrize("factor", [1.01, 1.5, 3, 100])
def test_what_is_stopped_is_slower_by_the_factor(factor):
    random = np.random.default_rng(5)
    for _ in range(50):
        times = {size: np.exp(random.normal(1, 1, size=3)).tolist() for size in (1, 2, 4, 8)}
        plan, last, courses = race(times, factor=factor)
        for row in measures.about_runs(decisions.tabulate(plan, last)).to_dicts():
            index = round(row["target_value"] * 10) - 1
            best = min(each.times[index] for each in courses.values())
            own = times[row["batch_size"]][index]
            assert (own <= row["seconds"]) == (row["rule"] == "reached")
            if row["rule"] == "slower":
                assert own > row["seconds"] >= factor * best
            elif row["rule"] == "budget":
                assert row["seconds"] == 16


def test_a_run_goes_on_while_it_may_matter_for_one_target():
    # Slow to the second target, but first to the first one, long after.
    plan, last, _ = race({1: [9.0, 9.0], 32: [10.0, 0.4]})
    assert budget_of(plan, last) == {(1, 1): enough(1.1 * 9), (32, 1): enough(1.1 * 10)}
    assert rules(plan, last, 1) == ["reached", "reached"]


def test_without_a_winner_all_get_the_whole_budget():
    plan, last, _ = race({1: [math.inf], 32: [math.inf]})
    assert set(budget_of(plan, last).values()) == {16}
    assert rules(plan, last, 32) == ["budget"]


def rounds_of(plan, courses):
    """Return the rounds of a race, and the budgets that each asks for by batch size and seed."""
    decided, asked = rounds.decide(plan, Round(), {}, {}), []
    while not decided.is_over:
        budgets = budget_of(plan, decided)
        names = {trial.name: key for trial, key in zip(decided.trials, budgets, strict=True)}
        asked.append({names[name]: budgets[names[name]] for name in decided.train})
        decided = rounds.decide(plan, decided, *races.outcome(plan, decided, courses))
    return decided, [each for each in asked if each]


def test_the_runs_nearest_to_a_target_go_ahead_and_the_others_need_one_more_start():
    times = {2**index: [5.0 + index] for index in range(8)}
    plan, _, courses = race(times, factor=1.2)
    _, asked = rounds_of(plan, courses)
    assert len(asked) == 3
    assert set(asked[0].values()) == {4}
    # Until they will probably be there: in a race of this process, a tenth too late.
    probable = {size: enough(1.1 * times[size][0]) for size in (1, 2, 4)} | {8: 8}
    assert asked[1] == {(size, 1): budget for size, budget in probable.items()}
    assert set(asked[2]) == {(size, 1) for size in (16, 32, 64, 128)}
    assert set(asked[2].values()) == {enough(1.2 * 5)}


def test_all_go_on_once_one_has_missed_a_target_in_the_whole_budget():
    plan, _, courses = race({2**index: [math.inf] for index in range(8)})
    _, asked = rounds_of(plan, courses)
    assert [len(each) for each in asked] == [8, 4, 4, 4, 4]
    assert [set(each.values()) for each in asked] == [{4}, {8}, {16}, {8}, {16}]


def test_a_further_seed_is_trained_and_its_crossings_found_in_one_round():
    _, last, _ = race({32: [1.0], 128: [1.1]}, seeds=(1, 2, 3), noise=0.01)
    # One to train, one to find; then one for each seed.
    assert last.number == 4


@pytest.mark.parametrize("shown", [0.06, 0.08])
def test_a_disturbed_first_seed_does_not_cost_a_near_target_its_winner(shown):
    # Batch size 128 took twice as long as its steps take at the pace of the whole run.
    sizes, seeds = (32, 256, 128, 512), (1, 2, 3)
    first = {32: 0.06, 256: 0.08, 128: 0.1, 512: 0.1}
    paces = {32: 0.06, 256: 0.08, 128: 0.05, 512: 0.1}
    targets = {"loss": [0.1], "accuracy": []}
    plan = races.plan({size: [0.01] for size in sizes}, seeds, targets, BUDGETS, 1.5)
    courses = {}
    for size, seed in itertools.product(sizes, seeds):
        seconds = first[size] if seed == 1 else paces[size]
        seen = shown if (size, seed) == (32, 1) else seconds
        courses[(size, 0.01, seed)] = Course([seconds], [seen], [paces[size]])
    last = races.run(plan, courses)
    assert {seed for size, seed in budget_of(plan, last) if size == 128} == set(seeds)
    assert {seed for size, seed in budget_of(plan, last) if size == 512} == {1}
    (answer,) = races.answer(plan, last, courses)
    assert answer["ranking"][0]["batch_size"] == 128


def test_races_whose_runs_meet_targets_between_evaluations_end_with_each_target_closed(tmp_path):
    random = np.random.default_rng(6)
    targets = {"loss": [0.1, 0.2, 0.3], "accuracy": []}
    for _ in range(150):
        sizes, seeds = (1, 2, 4, 8), range(1, int(random.integers(2, 6)))
        plan = races.plan({size: [0.01] for size in sizes}, seeds, targets, BUDGETS, 1.5)
        courses = {}
        for size, seed in itertools.product(sizes, seeds):
            times = np.exp(random.normal(0.7, 0.9, size=3))
            times[random.random(3) < 0.1] = math.inf
            shown = np.where(random.random(3) < 0.4, math.inf, times * 1.1)
            courses[(size, 0.01, seed)] = Course(times.tolist(), shown.tolist())
        decided = rounds.decide(plan, Round(), {}, {})
        while not decided.is_over:
            assert decided.number < 100
            results, found = races.outcome(plan, decided, courses)
            write(tmp_path / "round.json", decided)
            decided = rounds.decide(plan, read(tmp_path / "round.json"), results, found)
        for trial in decided.trials:
            assert set(trial.closed) == set(trial.targets)
            if trial.sought:
                assert set(trial.times) <= set(trial.sought)


def test_a_run_that_is_trained_on_for_another_target_is_stopped_at_its_end_for_the_first():
    plan, last, _ = race({1: [12.0, 1.0], 2: [9.0, 30.0]}, factor=2)
    rows = measures.about_runs(decisions.tabulate(plan, last)).filter(batch_size=2)
    (stopped,) = rows.filter(rule="slower").to_dicts()
    (own,) = [trial for trial in last.trials if trial.entrant == 1]
    assert stopped["seconds"] == own.seconds > 9


@pytest.mark.parametrize(("since", "is_sought"), [(1.4, True), (1.6, False)])
def test_what_evaluations_rule_out_is_not_looked_for(since, is_sought):
    """A run may have been at a target between two evaluations, too late or not."""
    plan, _, courses = race({32: [1.0], 128: [math.inf]})
    decided = rounds.decide(plan, Round(), {}, {})
    while not decided.is_over:
        results, found = races.outcome(plan, decided, courses)
        for name, result in results.items():
            if "batch_128" in name:
                steps = {0: round(since / races.STEP_SECONDS)}
                results[name] = result._replace(earliest={0: since}, earliest_steps=steps)
        decided = rounds.decide(plan, decided, results, found)
    (trial,) = [each for each in decided.trials if "batch_128" in each.name]
    assert trial.sought == [0] * is_sought
    closing = trial.closed[0]
    assert closing["rule"] == "slower"
    assert closing["seconds"] == (trial.seconds if is_sought else since)


def test_evaluations_that_come_late_do_not_stop_a_run_too_early():
    # The leader's evaluation shows the target at 4 s; it was there after 1 s.
    plan, last, _ = race({1: [20.0], 32: [1.0]}, shown={1: [20.0], 32: [4.0]})
    assert budget_of(plan, last)[(32, 1)] >= 1
    assert rules(plan, last, 1) == ["slower"]


def test_further_seeds_are_of_contenders_alone():
    times = {1: [20.0], 32: [1.5], 128: [2.0], 512: [3.5]}
    plan, last, _ = race(times, seeds=(1, 2, 3), noise=0.3)
    seeds = {size: {seed for of, seed in budget_of(plan, last) if of == size} for size in times}
    assert seeds == {1: {1}, 32: {1, 2, 3}, 128: {1, 2, 3}, 512: {1}}


def test_the_runner_up_gets_seeds_where_no_other_contends():
    plan, last, courses = race({1: [20.0], 32: [1.5], 128: [4.0]}, seeds=(1, 2))
    seeds = {size for size, seed in budget_of(plan, last) if seed == 2}
    assert seeds == {32, 128}
    (answer,) = races.answer(plan, last, courses)
    assert [each["batch_size"] for each in answer["ranking"]] == [32]
    assert [each["batch_size"] for each in answer["stopped"]] == [1, 128]


def test_no_more_seeds_once_the_runner_up_is_slower():
    times = {1: [2.6], 32: [2.0], 128: [2.1]}
    plan, last, courses = race(times, seeds=range(1, 11), noise=0.001)
    n_seeds = len({trial.seed for trial in last.trials})
    assert 2 <= n_seeds < 10
    (settled,) = [each for each in last.decisions if each["rule"] == "settled"]
    assert plan.parts["entrants"][settled["entrant"]]["values"]["batch_size"] == 32
    (answer,) = races.answer(plan, last, courses)
    assert [each.get("verdict") for each in answer["ranking"]] == [None, "slower", "slower"]


def test_a_rate_that_was_stopped_after_one_seed_leaves_no_verdict_where_there_is_noise():
    tried = {32: [0.01], 128: [0.01, 0.02]}
    base = {(32, 0.01): 2.0, (128, 0.01): 2.8, (128, 0.02): 3.3}
    plan = races.plan(tried, range(3), {"loss": [0.1], "accuracy": []}, BUDGETS, 1.5)
    verdicts = {}
    for noise in (0.001, 0.04):
        random = np.random.default_rng(8)
        courses = {
            (*key, seed): Course(*([seconds * math.exp(noise * random.normal())],) * 2)
            for key, seconds in base.items()
            for seed in range(3)
        }
        last = races.run(plan, courses)
        (answer,) = races.answer(plan, last, courses)
        assert [each["batch_size"] for each in answer["ranking"]] == [32, 128]
        assert len([trial for trial in last.trials if trial.learning_rate == 0.02]) == 1
        verdicts[noise] = answer["ranking"][1]["verdict"]
    assert verdicts == {0.001: "slower", 0.04: "unknown"}


@pytest.mark.parametrize(
    ("leading", "behind", "said"),
    [
        # The second seed was not there in the whole budget: so is the median.
        ([10, 12], [math.inf, math.inf], "did not reach it"),
        ([6, 6], [math.inf, math.inf], "took more than 1.5 times as long (stopped): over 9"),
        # The median of 7 and more than 7.8 is more than 7.4: not 1.5 times as long as 5.1.
        ([5, 5.2], [7, math.inf], "took over 7.4"),
    ],
)
def test_the_words_for_a_batch_size_with_a_stopped_seed(leading, behind, said):
    plan = races.plan({32: [0.01], 128: [0.01]}, (0, 1), LOSS, BUDGETS, 1.5)
    courses = {
        (size, 0.01, seed): Course([times[seed]], [times[seed]])
        for size, times in ((32, leading), (128, behind))
        for seed in (0, 1)
    }
    answers = races.answer(plan, races.run(plan, courses), courses)
    text = answer_message.write(answers, "at most 16 seconds", 1.5)
    assert f"  Batch 128 {said}" in text


def test_what_is_settled_is_slower_in_the_answer():
    """Also where a comparison group has fewer seeds than another one."""
    random = np.random.default_rng(12)
    n_settled = 0
    for _ in range(60):
        plan = races.plan({32: [0.01], 128: [0.01]}, range(3), LOSS, BUDGETS, 1.5)
        others = copy.deepcopy(plan.parts["entrants"])
        for entrant in others:
            entrant["values"]["momentum"] = 0.9
            entrant["seeds"] = list(range(6))
        plan.parts["entrants"] += others
        courses = {
            (size, 0.01, seed): Course(*([slow * math.exp(0.02 * random.normal())],) * 2)
            for size, slow in ((32, 2.0), (128, 2.2))
            for seed in range(6)
        }
        last = races.run(plan, courses)
        groups = [
            plan.parts["entrants"][each["entrant"]]["values"]["momentum"] for each in last.decisions
        ]
        for answer in races.answer(plan, last, courses):
            if answer["momentum"] in groups:
                n_settled += 1
                assert answer["ranking"][1]["verdict"] == "slower"
    assert n_settled > 20


class ByRate(dict):
    """Courses at any learning rate, the best of which is 0.03."""

    def __missing__(self, key):
        _, rate, seed = key
        seconds = 2.0 * 2 ** abs(math.log10(rate / 0.03)) + 0.01 * seed
        return Course([seconds], [seconds])


@pytest.mark.parametrize("factor", [None, 1.5])
@pytest.mark.parametrize("beside", [[0.0316], [0.01, 0.02], [0.5], [1e-5], [100.0], [1e-5, 100.0]])
def test_rates_that_are_configured_beside_a_search_are_trained_once_and_count_in_it(factor, beside):
    budgets = BUDGETS if factor else BUDGETS[-1:]

    def trained(rates):
        plan = races.plan({32: rates}, (0, 1), LOSS, budgets, factor)
        runs = races.run(plan, ByRate()).trials
        return {(trial.learning_rate, trial.seed) for trial in runs}, len(runs)

    alone, _ = trained(["auto"])
    together, n_runs = trained(["auto", *beside])
    assert n_runs == len(together)
    assert {rate for rate, _ in together} >= {*beside, 0.0316}
    assert min(rate for rate, _ in together) < 0.0316 < max(rate for rate, _ in together)
    assert (together == alone) == (beside == [0.0316])


@pytest.mark.parametrize(("since", "rule"), [(2.0, "budget"), (5.0, "slower")])
def test_a_run_whose_steps_are_not_reproduced_is_slower_only_as_far_as_is_known(since, rule):
    """It may have been at the target after some seconds, between two evaluations."""
    plan, _, courses = race({32: [3.0], 128: [math.inf]})
    decided = rounds.decide(plan, Round(), {}, {})
    while not decided.is_over:
        results, found = races.outcome(plan, decided, courses)
        for name, result in results.items():
            if "batch_128" in name:
                steps = {0: round(2.0 / races.STEP_SECONDS)}
                results[name] = result._replace(earliest={0: 2.0}, earliest_steps=steps)
        found |= {name: Times({}, {}, {0: since}) for name in found if "batch_128" in name}
        decided = rounds.decide(plan, decided, results, found)
    assert decided.number < 8
    (trial,) = [each for each in decided.trials if "batch_128" in each.name]
    assert trial.closed[0]["rule"] == rule
    assert rule == "budget" or trial.closed[0]["seconds"] == since


def test_an_evaluation_at_a_target_does_not_count_where_no_step_of_the_grid_is():
    # Batch size 32 has one after 1 s, and is there after 5 s; 128 after 4 s.
    plan, _, courses = race({32: [5.0], 128: [4.0]})
    decided = rounds.decide(plan, Round(), {}, {})
    while not decided.is_over:
        results, found = races.outcome(plan, decided, courses)
        for name, result in results.items():
            if "batch_32" in name:
                steps = {0: round(0.9 / races.STEP_SECONDS)}
                about = {"bounds": {0: 1.0}, "earliest": {0: 0.9}, "earliest_steps": steps}
                results[name] = result._replace(**about)
        decided = rounds.decide(plan, decided, results, found)
    assert [known_seconds(trial) for trial in decided.trials] == [{0: 5.0}, {0: 4.0}]


def test_a_target_met_by_the_initial_weights_needs_no_seeds():
    plan, last, _ = race({1: [0.0], 32: [0.0]}, seeds=(1, 2, 3))
    assert set(budget_of(plan, last)) == {(1, 1), (32, 1)}


def test_a_run_without_pruning_has_its_whole_budget_and_all_seeds():
    plan, last, _ = race({1: [20.0], 32: [1.5]}, factor=None, seeds=(1, 2), budgets=(16,))
    assert budget_of(plan, last) == dict.fromkeys(itertools.product((1, 32), (1, 2)), 16)
    assert last.number == 2  # trained, crossings found, over


@pytest.mark.parametrize("seeds", [2, 3, 6])
def test_what_is_given_is_that_of_the_full_sweep(seeds):
    random = np.random.default_rng(seeds)
    for _ in range(40):
        times = {2**size: [float(np.exp(random.normal(0.5, 0.5)))] for size in range(5)}
        plan, last, courses = race(times, seeds=range(seeds), noise=0.03)
        (pruned,) = races.answer(plan, last, courses)
        whole = races.plan(
            {size: [0.01] for size in times}, range(seeds), plan.parts["targets"], [16], None
        )
        (full,) = races.answer(whole, races.run(whole, courses), courses)
        of_full = {each["batch_size"]: each for each in full["ranking"]}
        assert pruned["ranking"][0]["batch_size"] == full["ranking"][0]["batch_size"]
        for entry in pruned["ranking"]:
            if entry["runs"] == seeds:
                same = of_full[entry["batch_size"]]
                assert entry["seconds"] == same["seconds"]
                assert entry["seconds_low"] == same["seconds_low"]
                # Open where a seed was stopped.
                ends = {same["seconds_high"]} | ({None} if entry["reached"] < seeds else set())
                assert entry["seconds_high"] in ends
        for entry in pruned["stopped"]:
            size = entry["batch_size"]
            seeds_of = [seed for of, seed in budget_of(plan, last) if of == size]
            own = [courses[(size, 0.01, seed)].times[0] for seed in seeds_of]
            assert entry["more_than"] <= np.median(own)


def test_crossings_that_cannot_matter_are_not_looked_for():
    times = {1: [20.0, 2.5], 32: [3.0, 0.5], 128: [3.5, 0.6]}
    shown = {1: [20.0, 2.7], 32: [3.3, 0.7], 128: [3.6, 0.8]}
    plan, last, courses = race(times, shown=shown)
    sought = {
        plan.parts["entrants"][trial.entrant]["values"]["batch_size"]: trial.sought
        for trial in last.trials
    }
    assert sought == {1: [], 32: [0, 1], 128: [0, 1]}
    # The second target's time is then that of the evaluation.
    answers = races.answer(plan, last, courses)
    seconds = {each["batch_size"]: each["seconds"] for each in answers[1]["ranking"]}
    assert seconds == {32: 0.5, 128: 0.6, 1: 2.7}


def test_crossings_are_looked_for_once_the_leader_turns_out_to_be_slower():
    # Seed 1 is lucky for batch size 32 alone: at the other seeds, all are equal.
    seeds = (1, 2, 3)
    plan = races.plan(
        {size: [0.01] for size in (32, 128, 512)},
        seeds,
        {"loss": [0.1], "accuracy": []},
        BUDGETS,
        1.5,
    )
    times = {(32, 1): 1.0, (128, 1): 1.45, (512, 1): 1.6}
    courses = {
        (size, 0.01, seed): Course(*([times.get((size, seed), 1.4 + seed / 100)],) * 2)
        for size in (32, 128, 512)
        for seed in seeds
    }
    last = races.run(plan, courses)
    for trial in last.trials:
        assert trial.sought == [0]
    assert len(last.trials) == 9


def test_a_late_contender_catches_up_at_once():
    # Batch size 512 is within the factor only after four seeds of the others.
    of_others = {32: [1.0, 1.0, 1.6, 1.6, 1.6, 1.6], 128: [1.1, 0.95, 1.7, 1.55, 1.7, 1.55]}
    of_512 = [1.6] * 6
    seeds = range(1, 7)
    targets = {"loss": [0.1], "accuracy": []}
    plan = races.plan({size: [0.01] for size in (32, 128, 512)}, seeds, targets, BUDGETS, 1.5)
    courses = {
        (size, 0.01, seed): Course([seconds], [seconds])
        for size, times in (of_others | {512: of_512}).items()
        for seed, seconds in zip(seeds, times, strict=True)
    }
    _, asked = rounds_of(plan, courses)
    begun = [[key for key in each if key[0] == 512] for each in asked]
    assert [(512, 2), (512, 3), (512, 4)] in begun


def test_batch_sizes_that_are_not_compared_do_not_wait_for_each_other():
    # Two comparison groups: one goes on to the whole budget, the other to further seeds.
    seeds = (1, 2, 3)
    times = {1: math.inf, 2: math.inf, 32: 0.4, 128: 0.41}
    momentum = {1: 0.9, 2: 0.9, 32: 0.0, 128: 0.0}
    courses = {
        (size, 0.01, seed): Course(*([seconds + seed / 100],) * 2)
        for size, seconds in times.items()
        for seed in seeds
    }

    def outcome(*sizes):
        targets = {"loss": [0.1], "accuracy": []}
        plan = races.plan({size: [0.01] for size in sizes}, seeds, targets, BUDGETS, 1.5)
        for entrant in plan.parts["entrants"]:
            entrant["values"]["momentum"] = momentum[entrant["values"]["batch_size"]]
        last = races.run(plan, courses)
        return last.number, budget_of(plan, last)

    slow, slow_runs = outcome(1, 2)
    fast, fast_runs = outcome(32, 128)
    both, runs = outcome(1, 2, 32, 128)
    assert runs == slow_runs | fast_runs
    assert both == max(slow, fast) < slow + fast
