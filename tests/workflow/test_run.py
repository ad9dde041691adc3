"""A whole run: its files, its tables and its charts."""

import json
import re
import struct
import xml.etree.ElementTree as ElementTree

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from batch_race import batch_sizes
from batch_race.data import idx
from batch_race.data.examples import open_images
from batch_race.store import arrays, history
from nn.network import predict
from tests.conftest import PUBLISHED


def test_a_whole_run(finished_checkout, finished_project):
    project, said = finished_project, finished_checkout[1]
    results = project.folder / "results"
    # At the end come the answer, and where the rest is.
    answer = (results / "compare/race/answer.txt").read_text()
    assert answer.startswith("Each run on digits was given 4 steps.\n")
    end = [
        "page    results/page/race/report.html",
        "table   results/summarize/race/table.md",
        "charts  results/plot/race/",
    ]
    assert said.endswith("\n".join([f"\n{answer}", *end, ""]))
    # What was to be done was said in the second line, after Snakemake's own.
    assert re.fullmatch(r"race: \d+ jobs, 3 of them train a run, 2 at once", said.splitlines()[1])
    assert len(said.splitlines()) < 30

    (parsed,) = results.glob("parse/digits-*")
    original = idx.read(project.folder.parent / "digits" / PUBLISHED["test_images"], (60, 28, 28))
    test_images = open_images(parsed / "test_images.npy")
    test_labels = np.load(parsed / "test_labels.npy")
    assert np.array_equal(test_images.reshape(60, 28, 28), original)

    folders = sorted(
        path.parent for path in results.glob("train/digits-*/*/4_steps/history.parquet")
    )
    assert len(folders) == 3
    for folder in folders:
        table, metadata = history.read(folder / "history.parquet")
        assert table["step"].to_list() == [0, 1, 2, 3, 4]
        assert metadata["stopped"] == "budget"
        assert json.loads((folder / "specification.json").read_text()) == metadata["specification"]
        for clock in ("training_seconds", "wall_seconds", "cpu_seconds"):
            assert table[clock].is_sorted()
        # The weights are those that the last row speaks of.
        weights = arrays.read_weights(folder / "weights.npz")
        right = predict(test_images.astype(np.float32), weights) == test_labels
        assert table["test_accuracy"][-1] == pytest.approx(100 * right.mean())
        # The chapter's own lines: epoch and batch from 0, the loss, the accuracy.
        epoch, batch = divmod(3, -(-300 // table["batch_size"][0]))
        loss, accuracy = table["training_loss"][-1], table["test_accuracy"][-1]
        line = f" {epoch}-{batch} > Loss: {loss}, Accuracy: {accuracy}% (step 4, "
        assert line in (folder / "train.log").read_text()

    collected = pl.read_parquet(results / "collect/race/histories.parquet")
    assert collected.columns[: len(history.SCHEMA)] == list(history.SCHEMA)
    assert collected.group_by("batch_size").len().sort("batch_size").rows() == [
        (1, 5),
        (32, 5),
        (300, 5),
    ]

    # The winner's mistakes are as many as its history says.
    confusion = pl.read_parquet(results / "find_mistakes/race/confusion.parquet")
    assert confusion["count"].sum() == 60
    right = confusion.filter(pl.col("label") == pl.col("predicted"))["count"].sum()
    winner = collected.filter(pl.col("step") == 4).sort("training_loss").row(0, named=True)
    name = batch_sizes.name(winner["batch_size"], 300)
    assert confusion["run"][0].startswith(f"{name} at learning rate 0.01")
    assert winner["test_accuracy"] == pytest.approx(100 * right / 60)
    mistakes = pl.read_parquet(results / "find_mistakes/race/mistakes.parquet")
    assert mistakes["of"].unique().to_list() == [60 - right]
    tests = original.tolist()
    places = [tests.index(pixels) for pixels in mistakes["pixels"].to_list()]
    assert mistakes["label"].cast(int).to_list() == test_labels[places].tolist()
    assert "results/page/race/report.html" in said

    for chart in ("loss_by_seconds", "learning_by_iteration"):
        stem = results / "plot" / "race" / chart
        svg = ElementTree.fromstring(stem.with_suffix(".svg").read_text())
        # A busy machine may mark a run, and rightly so; that is another test's matter.
        words = [text.removesuffix(" (contended)") for text in svg.itertext() if text.strip()]
        assert {"Stochastic GD", "Batch 32", "Batch GD", "loss"} <= set(words)
        assert any("digits" in text for text in words)
        vega_lite = json.loads(stem.with_suffix(".json").read_text())
        assert "vega-lite" in vega_lite["$schema"]
    assert not list(results.glob("plot/race/*.png"))
    project.run("results/plot/race/throughput.png")
    png = (results / "plot/race/throughput.png").read_bytes()
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", png[16:24])
    assert width > 1000
    assert height > 600
    project.run("--report", "report.html")
    report = (project.folder / "report.html").read_text()
    assert "one line per run of the experiment" in report
    # The answer and the table are on its first screen.
    assert answer.splitlines()[0] in report
    assert "final accuracy (%)" in report
    # Each table is there as CSV too.
    for parquet in results.glob("*/race/*.parquet"):
        table = pl.read_parquet(parquet)
        flat = [name for name, kind in table.schema.items() if not kind.is_nested()]
        read = pl.read_csv(parquet.with_suffix(".csv"), schema_overrides=table.select(flat).schema)
        assert_frame_equal(read, table.select(flat))

    layered = (results / "plot/race/loss_by_seconds.svg").read_text()
    assert "time (seconds)" in layered
