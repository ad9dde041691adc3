"""What a run says last: the answer to its configuration, or the command that makes it."""

ANSWER = "results/compare/race/answer.txt"
PAGE = "results/page/race/report.html"
CHART = "results/plot/race/throughput.svg"
NO_ANSWER = f"This run made no answer ({ANSWER} is from an earlier one). This command makes it:\n"


def test_an_earlier_answer_is_not_shown_as_this_configurations(finished_project):
    project = finished_project
    answer = (project.folder / ANSWER).read_text()
    other = ("--config", "seed=5")

    said = project.run("--until", "train", *other)
    assert f"{NO_ANSWER}  snakemake --cores 2 --config seed=5\n" in said
    assert answer not in said
    assert PAGE not in said
    assert answer not in project.run("--dry-run", *other)

    # An answer that this run does not need to make is shown; what it does not ask for is not.
    said = project.run(*other, "--", ANSWER)
    assert (project.folder / ANSWER).read_text() in said
    assert PAGE not in said

    # The histories of the first seed are older than the answer to the other one.
    said = project.run("--rerun-triggers", "mtime", "-R", "plot_results", "--", ANSWER, CHART)
    assert f"{ANSWER} is the answer to another configuration. This command makes this " in said
    assert "\n  snakemake --cores 2\n" in said
    assert (project.folder / ANSWER).read_text() not in said
    assert "\ncharts  results/plot/race/\n" in said


def test_a_failed_run_shows_the_answer_only_if_it_got_there(finished_project):
    project = finished_project
    scripts = project.folder / "workflow" / "scripts"
    for script, is_made in (("write_page.py", True), ("summarize.py", False)):
        path = scripts / script
        path.write_text(
            path.read_text().replace('    """', '    raise ValueError("lost")\n    """', 1)
        )
        status, said = project.snakemake()
        assert status != 0
        assert ((project.folder / ANSWER).read_text() in said) == is_made, said
        assert (f"{NO_ANSWER}  snakemake --cores 2\n" in said) != is_made
