"""The words of the answer hold what answer.json has, whatever the outcomes.

A reader of the words alone finds each batch size once, in its place and with its factor.
"""

import json
import re
from collections import Counter

from hypothesis import example, given, settings
from hypothesis import strategies as st

from batch_race.report import answer_message
from batch_race.report.numbers import number
from tests.curves import A_RUN, curve, falling
from tests.unit.analyze.sweeps import answers

DOZEN = 12
IMAGES = A_RUN["training_images"]

TIMES = r"took (?:at least )?(?P<ratio>[\d.,e+]+)(?: \[[^]]+\])? times as long"
WORDS = [
    ("not distinguishable", r" is not distinguishable from it: .+"),
    ("slower", rf" {TIMES}: .+"),
    ("no verdict", rf" {TIMES} \(no verdict\): .+"),
    ("no verdict", r" took [^:]+ \(no verdict\)\."),
    ("partly", r" reached it in (?P<ratio>\d+ of \d+) runs\."),
    ("missed", r" did not reach it\."),
    ("stopped", r" took more than (?P<ratio>[\d.]+) times as long \(stopped\): over .+ s\."),
    ("stopped", r" took over .+ s \((?P<ratio>\d+ of \d+) runs stopped\)\."),
    ("diverged", r" diverged\."),
    ("unknown", r" may or may not reach it: .+"),
]
COUNTED = {
    "did not reach it": "missed",
    "without a verdict": "no verdict",
    "reached it in half of the runs or less": "partly",
}


def sizes_of(text):
    """Read the batch sizes of `batches 1, 1,024 and all (60,000)`."""
    names = (
        re.sub(r"^batch(es)? ", "", text, flags=re.IGNORECASE).replace(" and ", ", ").split(", ")
    )
    return [IMAGES if name.startswith("all ") else int(name.replace(",", "")) for name in names]


def read(paragraph):
    """Read a target's lines: the fastest, the kind and factor of each other, and the counts."""
    first, *others = paragraph
    headline = re.match(r"(Batch .+?) (?:was fastest to|reached) ", first)
    fastest = sizes_of(headline[1]) if headline else []
    named, counts = [], Counter()
    for line in others:
        beyond = re.fullmatch(r"  (\d+) more: (.+)\.", line)
        if beyond:
            for count, called in re.findall(r"(\d+) ([^,]+)", beyond[2]):
                counts[COUNTED.get(called, called)] += int(count)
            assert counts.total() == int(beyond[1])
            continue
        found = [
            (kind, match)
            for kind, form in WORDS
            if (match := re.fullmatch(rf"(?P<sizes>[^:]+?){form}", line.strip()))
        ]
        assert len(found) == 1, line
        ((kind, match),) = found
        ratio = match.groupdict().get("ratio")
        named += [(size, kind, ratio) for size in sizes_of(match["sizes"])]
    return fastest, named, counts


def expected(answer, factor):
    """List each batch size of an answer but the fastest, with its kind and factor."""
    is_one_seed = answer["ranking"] and answer["ranking"][0]["runs"] == 1
    for entry in answer["ranking"][1:]:
        ratio = None if entry["ratio"] is None else number(entry["ratio"])
        match entry["verdict"]:
            case "not distinguishable":
                yield entry["batch_size"], "not distinguishable", None
            case "unknown" if not is_one_seed or ratio is None:
                yield entry["batch_size"], "no verdict", ratio
            case _:
                yield entry["batch_size"], "slower", ratio
    for each in answer["partly"]:
        yield each["batch_size"], "partly", f"{each['reached']} of {each['runs']}"
    for kind in ("missed", "diverged", "unknown"):
        yield from ((size, kind, None) for size in answer[kind])
    for each in answer["stopped"]:
        some = f"{each['pruned']} of {each['runs']}"
        is_all = each["pruned"] == each["runs"]
        yield each["batch_size"], "stopped", f"{factor:g}" if is_all else some


def check(found, factor=None):
    """Read the words of answers, as of answer.json, and compare."""
    found = json.loads(json.dumps(found))
    _, *lines = answer_message.write(found, "9 seconds", factor).splitlines()
    for answer in found:
        paragraph = [lines.pop(0)]
        while lines and lines[0].startswith("  "):
            paragraph.append(lines.pop(0))
        if answer["initial"]:
            assert paragraph[0].startswith("No race to ")
            assert len(paragraph) == 1
            continue
        fastest, named, counts = read(paragraph)
        assert fastest == [entry["batch_size"] for entry in answer["ranking"][:1]]
        everything = list(expected(answer, factor))
        assert len(named) == len(set(named)) == min(len(everything), DOZEN - len(fastest))
        assert set(named) <= set(everything)
        rest = Counter(kind for _, kind, _ in set(everything) - set(named))
        if fastest and answer["ranking"][0]["runs"] == 1:
            # A count calls what has no verdict so, if only for want of seeds.
            rest["no verdict"] += rest.pop("slower", 0)
        assert +counts == +rest


SECONDS = st.floats(1e-3, 1e5)


@st.composite
def made_up(draw):
    """Make an answer up, of up to 40 batch sizes, as `comparison.compare` documents it."""
    sizes = draw(
        st.lists(
            st.sampled_from([*range(1, 60), 1024, 2048, IMAGES]),
            min_size=1,
            max_size=40,
            unique=True,
        )
    )
    kinds = ["ranking", "partly", "missed", "stopped", "diverged", "unknown"]
    places = {kind: [] for kind in kinds}
    for size in sizes:
        places[draw(st.sampled_from(kinds))].append(size)
    n_seeds = draw(st.sampled_from([1, 3, 6]))
    ranking = []
    for size in places["ranking"]:
        seconds = draw(SECONDS)
        reached = draw(st.integers(n_seeds // 2 + 1, n_seeds))
        diverged = draw(st.integers(0, n_seeds - reached))
        entry = {
            "batch_size": size,
            "learning_rate": draw(st.sampled_from([0.01, 0.1])),
            "leftover": "repeat",
            "learning_rates": [0.01, 0.1],
            "seconds": seconds,
            "seconds_after": seconds * draw(st.sampled_from([1, 0.97])),
            "seconds_low": None if n_seeds == 1 else seconds / 2,
            "seconds_high": None,
            "seconds_interval": None if n_seeds == 1 else f"lowest to highest of {n_seeds}",
            "runs": n_seeds,
            "reached": reached,
            "stopped": draw(st.integers(0, n_seeds - reached - diverged)),
            "diverged": diverged,
            "contended": 0,
        }
        if ranking:
            verdicts = ["unknown"] if n_seeds == 1 else ["slower", "not distinguishable", "unknown"]
            ratio = draw(SECONDS)
            entry |= {
                "verdict": draw(st.sampled_from(verdicts)),
                "ratio": ratio,
                "ratio_low": None,
                "ratio_high": None,
                "ratio_interval": None,
                "seeds": n_seeds,
            }
            if entry["verdict"] == "unknown" and draw(st.booleans()):
                entry |= {"ratio": None, "seeds": 0}
            elif n_seeds > 1 and draw(st.booleans()):
                entry |= {"ratio_low": ratio / 2, "ratio_high": ratio * 2, "ratio_interval": "95 %"}
        ranking.append(entry)
    nearest = {"batch_size": sizes[0], "learning_rate": 0.1, "leftover": "repeat", "value": 1.5}
    return {
        **A_RUN,
        **{"target": "loss", "target_value": draw(st.sampled_from([0.5, 0.2, 1e-4]))},
        **{
            "initial": draw(st.sampled_from([0, 0, 0, 2])),
            "ranking": ranking,
            "elsewhere": {},
            "otherwise": {},
        },
        **{kind: sorted(places[kind]) for kind in ("missed", "diverged", "unknown")},
        "stopped": [
            {
                "batch_size": size,
                "more_than": draw(st.sampled_from([3.5, 7.25])),
                "runs": 3,
                "pruned": draw(st.sampled_from([2, 3])),
            }
            for size in sorted(places["stopped"])
        ],
        "partly": [
            {"batch_size": size, "reached": draw(st.integers(1, 3)), "runs": 6}
            for size in places["partly"]
        ],
        "nearest": draw(st.sampled_from([nearest, None])),
    }


@settings(max_examples=100, deadline=None)
@given(st.lists(made_up(), min_size=1, max_size=3))
def test_any_answer_stands_whole_in_its_words(found):
    check(found, factor=1.5)


LOST = {
    "missed": {"losses": [2.0, 1.5]},
    "diverged": {"losses": [2.0, 99.0], "stopped": "diverged"},
    "ended": {"losses": [2.0, 1.9], "stopped": "target"},
}
OF_A_SEED = st.one_of(st.integers(1, 40), st.sampled_from([*LOST]))
OUTCOMES = st.lists(OF_A_SEED, min_size=1, max_size=3)


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.sampled_from([1, 8, 32, 128, IMAGES]), OUTCOMES, min_size=1))
@example({1: [1], 8: ["diverged", "diverged"]})
def test_the_answer_to_any_runs_stands_whole_in_its_words(outcomes):
    tables = [
        curve(**LOST[outcome], batch_size=size, seed=seed)
        if isinstance(outcome, str)
        else falling(2 * outcome, batch_size=size, seed=seed)
        for size, of_seeds in outcomes.items()
        for seed, outcome in enumerate(of_seeds, 1)
    ]
    found = answers(*tables, targets={"loss": [1.0, 2.0, 0.25]})
    for answer in found:
        if not answer["initial"]:
            raced = [entry["batch_size"] for entry in answer["ranking"]]
            others = [size for kind in ("missed", "diverged", "unknown") for size in answer[kind]]
            others += [each["batch_size"] for each in answer["partly"]]
            assert sorted([*raced, *others]) == sorted(outcomes)
    check(found)
