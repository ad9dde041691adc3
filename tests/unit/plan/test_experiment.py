"""A plan, and the plan that a job of a batch system makes from what was kept."""

from batch_race.plan import experiment
from tests.project import write_digits


def test_the_plan_from_what_was_kept_is_the_same(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_digits(tmp_path / "digits")
    config = {
        "title": "é {x}",
        "dataset": "digits",
        "own_datasets": {"digits": "digits"},
        "batch_size": [1, "all"],
        "learning_rate": "1e-2",
    }
    planned = experiment.plan(config)
    monkeypatch.delenv(experiment.VARIABLE, raising=False)
    assert experiment.find_kept() is None
    monkeypatch.setenv(experiment.VARIABLE, "nowhere")
    assert experiment.find_kept() is None
    path = experiment.keep(config, planned)
    assert experiment.keep(config, planned) == path == experiment.find_kept()
    again = {"batch_size": [7]}
    assert experiment.plan_kept(path, again) == planned
    assert again == config
