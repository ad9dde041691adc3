"""A user's error ends in one clear message: no traceback, nothing half-written."""

import json
import shutil
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from snakemake.cli import parse_config
from snakemake.utils import update_config

from batch_race.data import idx
from batch_race.data.originals.find import find
from batch_race.data.originals.form import Summary
from batch_race.errors import InputError
from batch_race.plan import datasets, experiment
from tests.faults import kills
from tests.project import PUBLISHED, patched, write_digits


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("batchsize=3", "batchsize: found an unknown key; did you mean batch_size?"),
        ("batch_size=301", "batch_size: found 301, expected at most the 300 training images"),
        ("dataset=digit", "dataset: found 'digit', expected one of mnist, "),
        ("exclude=[{learning_rate: 0.01}]", "exclude: found that it leaves no run"),
        ("include=[{rate: 0.01}]", "include[0].rate: found an unknown key; "),
        ("targets={loss: [0]}", "targets.loss[0]: found 0.0, expected a number above 0"),
        (
            "own_datasets={mine: 'a/{x}'}",
            "own_datasets.mine: found 'a/{x}', expected a path without",
        ),
        (
            "machines={other: 'a/{x}'}",
            "machines.other: found 'a/{x}', expected a path without braces",
        ),
        ('own_datasets={mine: "a\\0b"}', r"own_datasets.mine: found 'a\x00b', expected a path wi"),
        ("own_datasets={mine: ~nobody-here/x}", "expected a folder: there is no such user"),
        (f"own_datasets={{mine: {300 * 'x'}}}", "xxx', expected a folder: File name too long"),
        (f"machines={{other: {300 * 'x'}}}", "xxx', expected a folder: File name too long"),
        ('own_datasets={"x\\n": x}', r"own_datasets: found 'x\n', expected a name of at most 60"),
        ("budget={steps: null}", "budget: found no limit, expected seconds, steps or epochs"),
    ],
)
def test_an_invalid_configuration(tmp_path, settings, message):
    write_digits(tmp_path / "digits")
    config = {"dataset": "digits", "own_datasets": {"digits": str(tmp_path / "digits")}}
    config["budget"] = {"seconds": None, "steps": 4}
    update_config(config, parse_config([settings]))  # as Snakemake reads its command line
    with pytest.raises(InputError) as error:
        experiment.plan(config)
    assert message in str(error.value)
    assert len(str(error.value).splitlines()) < 6


def test_snakemake_prints_the_message(project):
    printed = project.refusal("--config", "batchsize=3")
    assert "  batchsize: found an unknown key; did you mean batch_size?" in printed
    assert len(printed.splitlines()) < 12


def test_names_with_shell_syntax_are_harmless(project):
    hostile = "$(touch pwned) `touch pwned` ; touch pwned ' \" <b>&amp; {x} é ../"
    data = project.folder.parent / "digits"
    own = data.rename(data.with_name("di $(touch pwned) 'g' é"))
    project.edit_config(title=hostile, own_datasets={"digits": str(own)}, batch_size=32)
    chart = "results/plot/race/loss_by_seconds.svg"
    before = {path.name for path in project.folder.iterdir()}
    project.run(chart)
    texts = ElementTree.parse(project.folder / chart).getroot().itertext()
    assert hostile in " ".join(texts)  # a long title has several lines
    assert not list(project.folder.parent.rglob("pwned*"))
    assert {path.name for path in project.folder.iterdir()} - before == {"results", ".snakemake"}


def test_images_and_labels_of_different_numbers(project):
    labels = project.folder.parent / "digits" / PUBLISHED["test_labels"]
    idx.write(labels, idx.read(labels, (None,))[:-1])
    printed = project.refusal()
    assert "found the shape 60×28×28, expected 59×28×28" in printed
    assert not list(project.folder.glob("results/parse/*/test_*.npy"))


def test_test_images_of_another_size(project):
    images = project.folder.parent / "digits" / PUBLISHED["test_images"]
    idx.write(images, idx.read(images, (None, 28, 28))[:, 4:, :].copy())
    assert "found the shape 60×24×28, expected 60×28×28" in project.refusal()


def test_a_web_page_in_place_of_a_file(project):
    images = project.folder.parent / "digits" / PUBLISHED["train_images"]
    images.write_text("<!DOCTYPE html><title>404</title>")
    printed = project.refusal("--dry-run")
    assert "own_datasets.digits: ../digits: found no training images; " in printed
    assert f"{PUBLISHED['train_images']} is an HTML page, expected an idx, .npz or CSV" in printed
    assert len(printed.splitlines()) < 12


def test_a_test_label_outside_of_the_classes(project):
    labels = project.folder.parent / "digits" / PUBLISHED["test_labels"]
    idx.write(labels, idx.read(labels, (None,)) + 1)
    printed = project.refusal()
    assert "digits, test labels: found the label 10, expected 0 to 9, the range" in printed
    assert not list(project.folder.glob("results/parse/*/description.json"))


def test_files_that_change_after_they_were_planned(project):
    folder = project.folder.parent / "digits"
    state, _ = datasets._state(find(folder))
    kept = project.folder / datasets.SUMMARIES / f"{state}.json"
    kept.parent.mkdir(parents=True)
    kept.write_text(json.dumps(Summary(64 * "0", 300, 60)._asdict()))
    assert "digits: found other images than when it was planned, expected" in project.refusal()
    assert not list(project.folder.glob("results/parse/*/*.npy"))
    shutil.rmtree(kept.parent)
    project.run("--until", "parse")


CHANGE = """
import sys
if ".parse." in sys.argv[0]:
    from pathlib import Path
    from batch_race.data import idx
    changed = Path("../digits/t10k-labels-idx1-ubyte.gz")
    idx.write(changed, idx.read(changed, (None,))[::-1].copy())
"""


def test_files_that_change_while_the_workflow_starts(project):
    with patched(project, "store/logs.py", CHANGE):
        printed = project.refusal("--until", "parse")
    assert "digits: found other images than when it was planned, expected the same" in printed
    assert not list(project.folder.glob("results/parse/*/*.npy"))
    project.run("--until", "parse")  # plans the new ones
    assert len(list(project.folder.glob("results/parse/*/*.npy"))) == 4


def test_a_dataset_without_an_example(project):
    labels = project.folder.parent / "digits" / PUBLISHED["train_labels"]
    idx.write(labels, np.empty(0, np.uint8))
    assert f"{PUBLISHED['train_labels']}: found no label, expected at least" in project.refusal()


def test_no_mirror_has_the_file(project):
    empty = project.folder.parent / "empty"
    empty.mkdir()
    # The published mirrors are removed, so that the test queries no server.
    catalogue = project.folder / "workflow" / "datasets.yaml"
    catalogue.write_text(catalogue.read_text().replace("- https://", "- /nowhere/"))
    printed = project.refusal("--config", "dataset=mnist", f"mirrors={empty}")
    assert f"{empty}: found no train-images-idx3-ubyte.gz" in printed
    assert "--config mirrors=/path/to/a/folder/with/the/four/files" in printed
    assert printed.count("--configfile config/quickstart.yaml") == 1
    assert not list(project.folder.glob("results/download/mnist/*.gz"))


def test_existing_files_need_no_mirror(tmp_path):
    write_digits(tmp_path / "digits")
    with kills.serving(tmp_path / "digits") as mirror:
        project = kills.prepare(tmp_path / "checkout", mirror, tmp_path / "digits")
        project.run("--until", "download")
    # The server is stopped now.
    project.run("--until", "prepare")
    assert list(project.folder.glob("results/prepare/mnist/train_sparse.npz"))
