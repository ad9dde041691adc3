"""Race this project's engine against its peers, at the same steps on the same real batches.

    snakemake --cores all benchmark_engines

with the packages of the extra `peers`. Each measurement is a fresh process, pinned to cores of its
own; the engines take turns, so that an hour in which the machine is slow is slow for all.
"""

import json
import logging
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import altair as alt
import polars as pl

from workflow.scripts.common import theme

ROOT = Path(__file__).parent.parent
THREADS = (1, 2)
REPETITIONS = 5
OURS = "ours"
NAMES = {
    OURS: "Batch Race",
    "jax_xla": "JAX (XLA)",
    "pytorch": "PyTorch",
    "scikit_learn": "scikit-learn",
}
WORKS = {
    "batch_1": "step, batch size 1",
    "batch_32": "step, batch size 32",
    "batch_128": "step, batch size 128",
    "batch_60000": "step, all 60,000",
    "evaluation": "loss over 60,000 and accuracy over 10,000",
    "dense_batch_32": "step, batch size 32, dense random images",
    "to_accuracy": "to 97 % test accuracy",
    "four_at_once": "step, batch size 32, four runs at once",
}
OPERATIONS = 4 * 785 * 200 + 6 * 201 * 10
"""Of a step's products for each example, those with zero counted; the first layer's inputs need no
gradient."""

TOLERANCE = 1e-4
"""The largest difference of a weight after 10 steps: float32's rounding, grown by raw pixels."""

Folders = tuple[Path, Path]
"""Those that the workflow's rules parse and prepare fill."""

log = logging.getLogger(__name__)

LIMITS = ("OPENBLAS_", "MKL_", "DNNL_", "ONEDNN_", "ATEN_", "NPY_", "XLA_", "OMP_", "JAX_")
"""Settings by such names could hold one library back and not another: none is passed on."""


def start(engine: str, threads: int, folders: Folders, *arguments: str) -> "subprocess.Popen[str]":
    """Start a measurement of one engine, a process of its own."""
    environment = {key: text for key, text in os.environ.items() if not key.startswith(LIMITS)}
    environment |= {"OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads)}
    environment["PYTHONPATH"] = str(ROOT)
    if threads == 1:
        environment["XLA_FLAGS"] = (
            "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
        )
    parsed, prepared = map(str, folders)
    data = ["--parsed", parsed, "--prepared", prepared, "--threads", str(threads)]
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.measure_engine", engine, *data, *arguments],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def result(process: "subprocess.Popen[str]") -> dict[str, Any]:
    """Wait for a process, and take its result."""
    output, _ = process.communicate()
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, process.args))} failed: {process.returncode}")
    found: dict[str, Any] = json.loads(output.splitlines()[-1])
    return found


def measure(engine: str, threads: int, folders: Folders) -> dict[str, Any]:
    """Measure one engine alone."""
    found = result(start(engine, threads, folders))
    if not found["difference"] <= TOLERANCE:
        raise SystemExit(
            f"{engine}: after 10 steps a weight is {found['difference']} from the formulas', "
            f"expected at most {TOLERANCE}: it does not take the same steps"
        )
    return found


def four_at_once(engine: str, folders: Folders) -> float:
    """Tell the seconds of a step of four processes of one thread together, at batch size 32."""
    processes = [start(engine, 1, folders, "--beside", str(place)) for place in range(4)]
    for process in processes:
        process.stdout.readline()  # ready
    # All get their line before any is waited for.
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    return 1 / sum(result(process)["steps_per_second"] for process in processes)


def samples(folders: Folders) -> pl.DataFrame:
    """Measure all engines in turn, again and again."""
    rows = []
    for repetition in range(REPETITIONS):
        for count in THREADS:
            for engine in NAMES:
                found = measure(engine, count, folders)
                if count == 1:
                    found["four_at_once"] = four_at_once(engine, folders)
                log.info("%d: %s with %d thread(s): %s", repetition, engine, count, found)
                of = {"engine": engine, "threads": count, "repetition": repetition}
                rows += [of | {"work": work, "value": value} for work, value in found.items()]
    return pl.DataFrame(rows)


def ratios(table: pl.DataFrame, work: str, threads: int) -> tuple[str, list[float]]:
    """Tell the best peer at some work, and its time over ours, repetition by repetition."""
    some = table.filter(pl.col("work") == work, pl.col("threads") == threads)
    medians = some.group_by("engine").agg(pl.col("value").median())
    best = medians.filter(pl.col("engine") != OURS).sort("value")["engine"][0]
    both = [
        some.filter(pl.col("engine") == engine).sort("repetition")["value"]
        for engine in (best, OURS)
    ]
    return best, (both[0] / both[1]).to_list()


def markdown(table: pl.DataFrame) -> str:
    """Write the samples as tables, one for each number of threads."""
    parts = []
    for threads in table["threads"].unique().sort():
        head = ["work", *(f"{name}, ms" for name in NAMES.values()), "best peer / ours"]
        parts += [f"Threads: {threads}", "", row(head), row(["---"] * len(head))]
        measured = set(table.filter(threads=threads)["work"])
        for work, words in WORKS.items():
            if work not in measured:
                continue
            cells = []
            for engine in NAMES:
                values = of(table, engine, threads, work)
                cells.append(spread([1000 * value for value in values]))
            best, times = ratios(table, work, threads)
            parts.append(row([words, *cells, f"{spread(times)} ({NAMES[best]})"]))
        for work, n_rows in (("batch_32", 32), ("batch_128", 128), ("batch_60000", 60_000)):
            speeds = [
                [n_rows * OPERATIONS / seconds / 1e9 for seconds in of(table, e, threads, work)]
                for e in NAMES
            ]
            parts.append(row([f"{WORKS[work]}, GFLOP/s", *map(spread, speeds), ""]))
        for work, words, unit in (
            ("memory_bytes", "memory of the process alone, MB", 1e-6),
            ("sgemm_gflops", "NumPy's sgemm beside it, GFLOP/s", 1),
        ):
            values = [[unit * each for each in of(table, e, threads, work)] for e in NAMES]
            parts.append(row([words, *map(spread, values), ""]))
        parts.append("")
    return "\n".join(parts)


def of(table: pl.DataFrame, engine: str, threads: int, work: str) -> list[float]:
    """Take the samples of one engine at one kind of work."""
    return table.filter(engine=engine, threads=threads, work=work)["value"].to_list()


def row(cells: list[str]) -> str:
    """Write a row of a table."""
    return f"| {' | '.join(cells)} |"


def spread(values: list[float]) -> str:
    """Write a median with its extremes, in three digits."""
    found = [f(values) for f in (statistics.median, min, max)]
    median, least, most = (f"{each:.0f}" if each >= 100 else f"{each:.3g}" for each in found)
    return f"{median} ({least} to {most})"


def chart(table: pl.DataFrame) -> alt.Chart:
    """Draw the time of each engine at each kind of work, as a multiple of ours."""
    is_ours = pl.col("engine") == OURS
    keys = ["threads", "work", "repetition"]
    ours = table.filter(is_ours).select(*keys, ours="value")
    relative = (
        table.filter(~is_ours, pl.col("work").is_in(list(WORKS)))
        .join(ours, on=keys)
        .with_columns(
            multiple=pl.col("value") / pl.col("ours"),
            engine=pl.col("engine").replace(NAMES),
            work=pl.col("work").replace(WORKS),
        )
    )
    peers = [name for engine, name in NAMES.items() if engine != OURS]
    points = alt.Chart(relative).mark_point(filled=True, size=40, opacity=0.7)
    drawn = points.encode(
        x=alt.X(
            "multiple:Q",
            scale=alt.Scale(type="log"),
            title="its time / ours (ours is 1)",
        ),
        y=alt.Y("work:N", sort=list(WORKS.values()), title=None, axis=alt.Axis(labelLimit=300)),
        color=alt.Color(
            "engine:N", scale=alt.Scale(domain=peers, range=theme.COLOURS), title="engine"
        ),
        shape=alt.Shape("engine:N", scale=alt.Scale(domain=peers), title="engine"),
        row=alt.Row("threads:N", title="threads"),
    ).properties(width=480, height=180)
    return drawn.resolve_scale(y="independent")  # not all is measured with two threads
