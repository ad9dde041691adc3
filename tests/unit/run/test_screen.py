"""What is shown of Snakemake's messages."""

import io
import logging
from types import SimpleNamespace

import pytest
from snakemake import exceptions
from snakemake.common import NOTHING_TO_BE_DONE_MSG
from snakemake.logging import ColorizingTextHandler, DefaultFormatter
from snakemake.settings.types import OutputSettings
from snakemake_interface_logger_plugins.common import LogEvent

from batch_race.run import screen
from tests.unit.run.events import record

START = record("Workflow has started!", function="execute", event=LogEvent.WORKFLOW_STARTED)


@pytest.fixture
def log(tmp_path):
    """A log as Snakemake's, with a file and a stream that is no terminal."""
    made = logging.Logger("snakemake.logging", logging.INFO)
    file = logging.FileHandler(tmp_path / "whole.log")
    made.addHandler(file)
    made.addHandler(ColorizingTextHandler(stream=io.StringIO()))
    yield made
    file.close()


def shown(log, *records):
    for each in records:
        log.handle(each)
    return log.handlers[1].stream.getvalue().splitlines()


def test_reports_on_a_run_go_to_the_file_alone(log, tmp_path):
    screen.hide_reports(log, OutputSettings())
    messages = [
        record("Config file config.yaml is extended", function="configfile"),
        record("Assuming unrestricted shared filesystem usage.", function="execute_workflow"),
        START,
        record("Building DAG of jobs..."),
        record("Select jobs to execute..."),
        record("localrule parse:", event=LogEvent.JOB_INFO),
        record("Finished jobid: 1", event=LogEvent.JOB_FINISHED),
        record("a report of a later version"),
        record("a notice", level=screen.NOTICE),
        record("a warning", level=logging.WARNING),
        record("Error in rule parse", level=logging.ERROR, event=LogEvent.JOB_ERROR),
        record(NOTHING_TO_BE_DONE_MSG),
    ]
    assert shown(log, *messages) == [
        "a notice",
        "a warning",
        "Error in rule parse",
        NOTHING_TO_BE_DONE_MSG,
    ]
    assert (tmp_path / "whole.log").read_text().splitlines() == [each.msg for each in messages]


def test_what_runs_nothing_answers_as_usual(log):
    screen.hide_reports(log, OutputSettings())
    answer = "Congratulations, your workflow is in a good condition!"
    assert shown(log, record(answer, function="lint")) == [answer]


@pytest.mark.parametrize("flag", ["dryrun", "verbose", "debug_dag", "printshellcmds"])
def test_snakemakes_flags_bring_its_reports_back(log, flag):
    screen.hide_reports(log, OutputSettings(**{flag: True}))
    assert shown(log, START, record("Building DAG")) == ["Workflow has started!", "Building DAG"]


def test_without_hooks_snakemakes_reports_are_shown(log):
    known = []  # Snakemake reads the workflow before it knows
    screen.hide_reports(log, OutputSettings(), lambda: bool(known))
    assert shown(log, record("Config file config.yaml", function="configfile")) == []
    known.append("no hooks")
    assert shown(log, START, record("Building DAG")) == ["Workflow has started!", "Building DAG"]


def test_of_what_the_workflow_refuses_the_message_alone_is_shown(log, tmp_path):
    screen.hide_reports(log, OutputSettings())
    file = tmp_path / "common.smk"
    maps = {str(file): {1: 41}}
    try:
        code = compile("raise WorkflowError('seed: found -1')", file, "exec")
        exec(code, {"WorkflowError": exceptions.WorkflowError})
    except exceptions.WorkflowError as error:
        text = exceptions.format_exception_to_string(error, maps)
    assert text.splitlines()[0] == f'WorkflowError in file "{file}", line 41:'
    refused = record(text, level=logging.ERROR, event=LogEvent.ERROR, exception="WorkflowError")
    other = record(text, level=logging.ERROR, event=LogEvent.ERROR, exception="NameError")
    assert shown(log, refused) == ["seed: found -1"]
    assert shown(log, other)[1:] == text.splitlines()
    assert (tmp_path / "whole.log").read_text() == f"{text}\n{text}\n"


@pytest.mark.parametrize(
    ("error", "is_refusal"),
    [(exceptions.WorkflowError("dataset: found x\n  or y"), True), (KeyError("x"), False)],
)
def test_of_what_a_function_of_a_rule_refuses_the_message_alone_is_shown(log, error, is_refusal):
    screen.hide_reports(log, OutputSettings())
    workflow = SimpleNamespace(linemaps={})
    rule = SimpleNamespace(name="parse", lineno=2, snakefile="data.smk", workflow=workflow)
    raised = exceptions.InputFunctionException(error, {"dataset": "x"}, rule=rule)
    text = exceptions.format_exception_to_string(raised, {})
    kind = type(raised).__name__
    refused = record(text, level=logging.ERROR, event=LogEvent.ERROR, exception=kind)
    lines = ["dataset: found x", "  or y"] if is_refusal else text.splitlines()
    assert shown(log, refused) == lines


def test_a_failed_job_has_no_empty_message():
    """Snakemake's own formatter: each failed job of a rule without a message has one."""
    fields = dict.fromkeys(("conda_env", "shellcmd", "indent", "rule_msg"))
    fields |= {"rule_name": "train", "jobid": 2, "input": ["a"], "output": [], "log": [], "aux": {}}
    failed = record("Error", level=logging.ERROR, event=LogEvent.JOB_ERROR, **fields)
    formatter = DefaultFormatter()
    assert "    message: None\n" in formatter.format(failed)
    shortened = screen.Shortened(formatter).format(failed).splitlines()
    assert shortened[1:] == ["Error in rule train:", "    jobid: 2", "    input: a"]
    failed.rule_msg = "of the rule"
    assert "    message: of the rule\n" in screen.Shortened(formatter).format(failed)


def failed(log_file, text):
    """The records of a job whose script fails."""
    log_file.write_text(text)
    fields = dict.fromkeys(("conda_env", "shellcmd", "indent", "rule_msg"))
    fields |= {"rule_name": "find_crossings", "jobid": 2, "input": [], "output": [], "aux": {}}
    cause = "RuleException:\nCalledProcessError in file x.smk, line 2:\nCommand 'python x' died"
    return [
        record(cause, level=logging.ERROR, event=LogEvent.ERROR, exception="RuleException"),
        record("", level=logging.ERROR, event=LogEvent.JOB_ERROR, log=[str(log_file)], **fields),
    ]


def test_after_ctrl_c_a_job_that_it_has_ended_has_one_line(log, tmp_path):
    screen.hide_reports(log, OutputSettings())
    ended = failed(tmp_path / "x.log", "1 INFO x\n2 WARNING interrupted (SIGINT) and saved\n")
    terminating = record("Terminating processes on user request, this might take some time.")
    lost = failed(tmp_path / "y.log", "1 WARNING interrupted (SIGINT)\n2 ERROR no space left\n")
    log.handlers[1].setFormatter(screen.Shortened(DefaultFormatter(show_failed_logs=True)))
    assert len(shown(log, START, *ended)) > 8  # a signal of somebody else's
    before = len(shown(log))
    assert shown(log, terminating, *ended)[before:] == [
        terminating.msg,
        "find crossings: interrupted (SIGINT) and saved",
    ]
    before = len(shown(log))
    assert "2 ERROR no space left" in shown(log, *lost)[before:]
    (tmp_path / "x.log").unlink()
    before = len(shown(log))
    assert shown(log, *ended)[before:] == ["find crossings: interrupted before it began"]


def test_messages_are_folded_at_the_width_of_the_terminal(log, monkeypatch):
    stream = log.handlers[1].stream
    monkeypatch.setattr(stream, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    screen.hide_reports(log, OutputSettings())
    assert screen.open_terminal(log)
    log.error("a word, " * 30)
    lines = stream.getvalue().splitlines()
    assert 70 < max(map(len, lines)) <= 80
    assert " ".join(lines).split() == ["a", "word,"] * 30
    assert all(line.startswith("a ") or line.startswith("word,") for line in lines)


def test_a_notice_has_no_colour():
    handler = ColorizingTextHandler(stream=SimpleNamespace(isatty=lambda: True))
    assert handler.decorate(record("x", level=screen.NOTICE), "x") == "x"
    assert handler.decorate(record("x", level=logging.WARNING), "x") != "x"


def test_a_log_without_a_stream_has_no_terminal(log):
    assert screen.open_terminal(log) is None  # a stream, but no terminal
    log.removeHandler(log.handlers[1])
    screen.hide_reports(log, OutputSettings())  # as with a plugin that prints the log
    assert screen.open_terminal(log) is None
