"""Which jobs run: exactly those whose results are not there yet."""

from tests.conftest import PUBLISHED
from workflow.scripts.common import idx

CHARTS = {"plot_loss_by_seconds": 1, "plot_learning_by_iteration": 1}
DATA = {"parse": 1, "prepare": 1}
AGGREGATES = {"collect": 1} | CHARTS


def test_a_first_plan_from_nothing(project):
    assert project.jobs() == DATA | {"train": 3} | AGGREGATES
    assert project.jobs("--config", "dataset=mnist") == (
        {"download": 1} | DATA | {"train": 3} | AGGREGATES
    )
    assert project.jobs("--config", "dataset=strokes") == (
        {"draw_strokes": 1} | DATA | {"train": 3} | AGGREGATES
    )
    everything = "dataset=[digits, mnist, strokes, kmnist, fashion_mnist]"
    assert project.jobs("--config", everything) == (
        {"download": 3, "draw_strokes": 1, "parse": 5, "prepare": 5, "train": 15} | AGGREGATES
    )


def test_ready_experiments(project):
    for name, trained in {
        "quickstart": 4,
        "learning": 1,
        "batches": 1,
        "chapter13": 4,
        "book": 4,
    }.items():
        plan = project.jobs("--configfile", f"config/{name}.yaml", "--config", "dataset=mnist")
        assert plan["train"] == trained


def test_what_is_finished_is_kept(project):
    project.run()
    assert project.jobs() == {}

    # A batch size more is one run more; gone and back again, it trains nothing.
    project.edit_config(batch_size=[1, 32, "all", 8])
    assert project.jobs() == {"train": 1} | AGGREGATES
    project.run()
    project.edit_config(batch_size=[1, 32, "all"])
    assert project.jobs() == AGGREGATES
    project.run()
    project.edit_config(batch_size=[8, "all", 32, 1])
    assert project.jobs() == AGGREGATES
    project.run()
    assert project.jobs() == {}
    project.edit_config(batch_size=[1, 8, 32, "all"])
    assert project.jobs() == {}

    # `all` is 300 images.
    project.edit_config(batch_size=[8, 300, 32, 1])
    assert project.jobs() == {}

    # Another experiment shares the runs.
    assert project.jobs("--config", "experiment=other") == AGGREGATES

    # A comment is nothing, a title is on the charts.
    config = project.folder / "config.yaml"
    config.write_text("# A comment.\n" + config.read_text())
    assert project.jobs() == {}
    project.edit_config(title="Another title")
    assert project.jobs() == CHARTS
    project.run()

    # Where a file comes from is no part of what it is.
    assert project.jobs("--config", "mirrors=/nowhere") == {}

    # The network's code is part of a result, the time of a file is not.
    network = project.folder / "nn" / "network.py"
    code = network.read_text()
    network.touch()
    assert project.jobs() == {}
    network.write_text(code + "\n# Edited.\n")
    assert project.jobs() == {"train": 4} | AGGREGATES
    network.write_text(code)
    assert project.jobs() == {}

    # What does not change a result is no reason to train: how often its state is saved, say.
    assert project.jobs("--config", "checkpoint_seconds=1", "on_contention=fail") == {}

    # Own files with other content are other data; with the old content again, the old results.
    labels = project.folder.parent / "digits" / PUBLISHED["train_labels"]
    before = labels.read_bytes()
    idx.write(labels, idx.read(labels, (None,))[::-1].copy())
    assert project.jobs() == DATA | {"train": 4} | AGGREGATES
    project.run()
    labels.write_bytes(before)
    assert project.jobs() == AGGREGATES
