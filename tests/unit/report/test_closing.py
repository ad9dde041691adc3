"""The last message: the answer to this configuration, or how to make it."""

import shlex

import pytest

from batch_race.report import closing


@pytest.fixture
def answer(tmp_path):
    path = tmp_path / "answer.txt"
    path.write_text("Batch 32 was fastest.\n")
    (tmp_path / closing.MADE_FOR).write_text("abc\n")
    return path


def last(path, configuration="abc", *, is_made=True):
    return closing.answer(path, configuration, is_made=is_made, command="snakemake -c 2")


def test_the_answer_is_shown_if_this_run_made_it_for_this_configuration(answer):
    assert last(answer) == "Batch 32 was fastest.\n"


def test_the_answer_of_an_earlier_run_is_not_shown(answer):
    assert last(answer, is_made=False) == (
        f"This run made no answer ({answer} is from an earlier one). This command makes it:\n"
        "  snakemake -c 2\n"
    )
    answer.unlink()
    assert last(answer, is_made=False) == (
        "This run made no answer. This command makes it:\n  snakemake -c 2\n"
    )


def test_the_answer_to_another_configuration_is_not_shown(answer):
    assert last(answer, "xyz") == (
        f"{answer} is the answer to another configuration. This command makes this one's:\n"
        "  snakemake -c 2\n"
    )


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("--cores 2", "--cores 2"),
        ("--until train --cores 2", "--cores 2"),
        ("-c2 -U train collect --config seed=5 a='b c'", "-c2 --config seed=5 'a=b c'"),
        ("--until=train --configfile a.yaml -k", "--configfile a.yaml -k"),
        ("-c 2 --configfile a.yaml -- results/a.svg", "-c 2 --configfile a.yaml"),
        ("results/a.svg -R plot -F --cores all", "--cores all"),
        ("--rerun-triggers mtime params -c 2 --touch", "-c 2"),
    ],
)
def test_the_command_is_the_same_without_what_kept_the_answer_from_being_made(arguments, expected):
    found = closing.command(shlex.split(arguments), {"results/a.svg"})
    assert found == f"snakemake {expected}"
