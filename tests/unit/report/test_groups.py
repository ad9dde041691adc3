"""Comparison groups as text."""

import polars as pl
import pytest

from batch_race.report.groups import describe_group, listed, varying_between, varying_parameters
from tests.curves import A_RUN


def test_the_varying_parameters_are_those_with_several_values():
    table = pl.DataFrame([A_RUN, A_RUN | {"dataset": "kmnist", "training_images": 9, "threads": 2}])
    assert varying_parameters(table, ["machine", "training_images", "threads", "dataset"]) == [
        *("threads", "dataset"),
    ]


def test_a_group_is_described_by_its_dataset_and_varying_parameters():
    groups = [A_RUN, A_RUN | {"dataset": "kmnist", "machine": "Abacus 4"}]
    varying = varying_between(groups)
    assert varying == ["machine"]
    assert [describe_group(group, varying) for group in groups] == [
        "mnist, machine Abacus 3",
        "kmnist, machine Abacus 4",
    ]


@pytest.mark.parametrize(
    ("names", "text"),
    [("a", "a"), ("ab", "a and b"), ("abc", "a, b and c"), ("abcdef", "a, b, c and 3 more")],
)
def test_names_beyond_the_most_are_counted(names, text):
    assert listed(list(names), most=3) == text
