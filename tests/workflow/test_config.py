"""Configurations in layers: config.yaml, a file over it, the command line."""

import shutil

import yaml

from tests.conftest import ROOT


def test_a_limit_replaces_those_beneath_it(project):
    shutil.copy2(ROOT / "config.yaml", project.folder)  # with its 60 seconds
    own = {"own_datasets": {"digits": "../digits"}, "dataset": "digits", "batch_size": "all"}
    own["budget"] = {"epochs": 3}
    (project.folder / "own.yaml").write_text(yaml.safe_dump(own))

    def trained(*settings):
        project.run("--until", "train", "--configfile", "own.yaml", *settings)
        return {path.parent.name for path in project.folder.glob("results/train/*/*/*/weights.npz")}

    assert trained() == {"3_epochs"}
    assert trained("--config", "budget={steps: 1e0}") == {"3_epochs", "1_steps"}
