"""Race this project's engine against its peers, on the same steps of the same real batches.

    snakemake --cores all benchmark_engines

It takes the packages of the extra `peers`. Each engine has a process of its own, all on the same
cores; they take turns, so that a slow minute of the machine is slow for all.
"""

import contextlib
import json
import logging
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import altair as alt
import numpy as np
import polars as pl

from batch_race.report import style
from batch_race.run import cores, machine
from benchmarks import exact, late
from benchmarks.engines import problem as problems

ROOT = Path(__file__).parent.parent
THREADS = (1, 2)
TURNS = 3
"""The number of processes of each engine, one after the other."""

ROUNDS = 5
"""The number of measurements of each kind of work in a process; the engines take turns."""

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
    "late_batch_32": "step, batch size 32, after 20,000 steps",
    "dense_batch_32": "step, batch size 32, dense random images",
    "late_dense_batch_32": "the same, after 1,000 steps",
    "to_accuracy": "to 97 % test accuracy",
    "four_at_once": "step, batch size 32, four runs at once",
}
MEASURED = {f"batch_{size}": f"steps real {size}" for size in exact.BATCH_SIZES} | {
    "evaluation": "evaluation",
    "late_batch_32": f"steps late {late.BATCH_SIZE}",
    "dense_batch_32": "steps dense 32",
    "late_dense_batch_32": f"steps late_dense {late.BATCH_SIZE}",
}
"""The requests to each process, in each round."""

OPERATIONS = 4 * 785 * 200 + 6 * 201 * 10
"""Operations of a step's products for an example, including those with zero."""

TOLERANCES = dict.fromkeys([f"batch_{size}" for size in exact.BATCH_SIZES], 1e-4) | {
    "loss": 1e-5,
    "accuracy": 0.05,
}
"""The largest differences of an engine after its steps: of a weight, by float32's rounding of raw
pixels; of the loss, relative; of the accuracy, five images."""

SAMPLE = pl.Schema(
    {
        "engine": pl.String,
        "threads": pl.Int64,
        "turn": pl.Int64,
        "work": pl.String,
        "round": pl.Int64,
        "value": pl.Float64,
        "cpu_seconds": pl.Float64,
        "stolen_seconds": pl.Float64,
        "switches": pl.Float64,
    }
)
"""A row for each repetition, with its seconds (of a step: the mean) as `value` and the system's
counters, and a row for each figure that is measured once in a process. A turn has new processes,
which measure in rounds."""

Folders = tuple[Path, Path, Path]
"""Those of the workflow's rules parse and prepare, and of `benchmarks.late`."""

log = logging.getLogger(__name__)

LIMITS = ("OPENBLAS_", "MKL_", "DNNL_", "ONEDNN_", "ATEN_", "NPY_", "XLA_", "OMP_", "JAX_")
"""Settings with these prefixes may slow down one library alone, so none is passed on."""


class Participant:
    """A process of `benchmarks.measure_engine`, which waits for requests.

    Parameters
    ----------
    engine : str
    threads : int
    folders : Folders
    """

    def __init__(self, engine: str, threads: int, folders: Folders) -> None:
        self._engine = engine
        environment = {key: text for key, text in os.environ.items() if not key.startswith(LIMITS)}
        environment |= {"OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads)}
        environment["PYTHONPATH"] = str(ROOT)
        if threads == 1:
            environment["XLA_FLAGS"] = (
                "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
            )
        data = ["--threads", str(threads)]
        for name, folder in zip(("--parsed", "--prepared", "--late"), folders, strict=True):
            data += [name, str(folder)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.measure_engine", engine, *data],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )

    def __enter__(self) -> "Participant":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def begin(self, line: str) -> None:
        """Request a measurement; see `measure_engine.Measurements`."""
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def result(self) -> Any:
        """Wait for the result of the request, and return it."""
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{self._engine}: found its end, expected a measurement; see above")
        return json.loads(line)

    def ask(self, line: str) -> Any:
        """Request a measurement, wait for it, and return it."""
        self.begin(line)
        return self.result()


def check(engine: str, figures: dict[str, float]) -> None:
    """Check that an engine takes the steps of the formulas."""
    for name, most in TOLERANCES.items():
        off = figures[f"difference_{name}"]
        if not off <= most:
            raise SystemExit(
                f"{engine}, {name}: found {off} between it and the formulas after "
                f"{exact.STEPS} steps, expected at most {most}: it does not take the same steps"
            )


def samples(parsed: Path, prepared: Path) -> pl.DataFrame:
    """Return the samples of all engines in all turns; in the first, check them too."""
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folders = parsed, prepared, Path(name)
        expected = folders[2] / "exact.npz"
        exact.write(expected, exact.compute(problems.real(parsed, prepared, threads=1)))
        late.write(folders[2], (parsed, prepared))
        for turn in range(TURNS):
            for threads in THREADS:
                of = {"threads": threads, "turn": turn}
                found = race(threads, folders, expected if turn == 0 else None)
                rows += [of | row for row in found]
            for engine in NAMES:
                of = {"threads": 1, "turn": turn, "engine": engine, "work": "four_at_once"}
                rows.append(of | {"round": 0, "value": four_at_once(engine, folders)})
    return pl.DataFrame(rows, schema=SAMPLE)


def race(threads: int, folders: Folders, expected: Path | None) -> list[dict[str, Any]]:
    """Return the samples of a process of each engine, measured in turn on the same cores."""
    rows = []
    with cores.lease(threads), contextlib.ExitStack() as stack:  # the processes inherit the cores
        participants = {
            engine: stack.enter_context(Participant(engine, threads, folders)) for engine in NAMES
        }
        if expected:
            for engine, participant in participants.items():
                differences = participant.ask(f"differences {expected}")
                log.info("%s, %d thread(s): %s", engine, threads, differences)
                check(engine, differences)
        for work, line in MEASURED.items():
            for number in range(ROUNDS):
                for engine, participant in participants.items():
                    of = {"engine": engine, "work": work, "round": number}
                    rows += [of | sample for sample in participant.ask(line)]
            log.info("%d thread(s): %s", threads, work)
        for engine, participant in participants.items():
            names = ("memory_bytes", "sgemm_gflops", "flushes_subnormals")
            figures = {name: float(participant.ask(name)) for name in names}
            if threads == 1:
                figures |= participant.ask("to_accuracy")
            of = {"engine": engine, "round": 0}
            rows += [of | {"work": work, "value": value} for work, value in figures.items()]
    return rows


def four_at_once(engine: str, folders: Folders) -> float:
    """Return the seconds of a step of four processes of one thread together, at batch size 32."""
    with contextlib.ExitStack() as stack:
        four = [stack.enter_context(Participant(engine, 1, folders)) for _ in range(4)]
        for processor, participant in enumerate(four):
            participant.ask(f"pin {processor}")
            participant.ask("steps real 32")  # its warm-up
        for participant in four:  # all start before the first is waited for
            participant.begin("steps_per_second")
        return 1 / sum(participant.result() for participant in four)


def least(table: pl.DataFrame) -> pl.DataFrame:
    """Return the minimum of an engine's repetitions in each round: noise only adds."""
    keys = ["engine", "threads", "turn", "round", "work"]
    return table.group_by(keys).agg(pl.col("value").min()).sort(keys)


def ratios(table: pl.DataFrame, work: str, threads: int) -> tuple[str, list[float]]:
    """Return the best peer at some work, and its time over ours, round by round.

    A peer has fewer threads than ours where that is faster.
    """
    some = least(table).filter(pl.col("work") == work, pl.col("threads") <= threads)
    medians = some.group_by("engine", "threads").agg(pl.col("value").median()).sort("value")
    best, with_threads = medians.filter(pl.col("engine") != OURS).row(0)[:2]
    both = [
        some.filter(engine=engine, threads=count)["value"]
        for engine, count in ((best, with_threads), (OURS, threads))
    ]
    return best, (both[0] / both[1]).to_list()


def markdown(table: pl.DataFrame) -> str:
    """Return the samples as tables, one for each number of threads."""
    parts = [f"Processor: {machine.describe()['processor']}", ""]
    for threads in table["threads"].unique().sort():
        head = ["work", *(f"{name}, ms" for name in NAMES.values()), "best peer / ours"]
        parts += [f"Threads: {threads}", "", row(head), row(["---"] * len(head))]
        measured = set(table.filter(threads=threads)["work"])
        for work, label in WORKS.items():
            if work not in measured:
                continue
            cells = []
            for engine in NAMES:
                values = of(table, engine, threads, work)
                cells.append(spread([1000 * value for value in values]))
            best, times = ratios(table, work, threads)
            parts.append(row([label, *cells, f"{spread(times)} ({NAMES[best]})"]))
        for work, n_rows in (("batch_32", 32), ("batch_128", 128), ("batch_60000", 60_000)):
            speeds = [
                [n_rows * OPERATIONS / seconds / 1e9 for seconds in of(table, e, threads, work)]
                for e in NAMES
            ]
            parts.append(row([f"{WORKS[work]}, GFLOP/s", *map(spread, speeds), ""]))
        for work, label, unit in (
            ("steps_to_accuracy", "steps to 97 % test accuracy", 1),
            ("memory_bytes", "memory of the process alone, MB", 1e-6),
            ("sgemm_gflops", "NumPy's sgemm in the same process, GFLOP/s", 1),
        ):
            if work not in measured:
                continue
            values = [[unit * each for each in of(table, e, threads, work)] for e in NAMES]
            parts.append(row([label, *map(spread, values), ""]))
        flushed = [max(of(table, e, threads, "flushes_subnormals")) for e in NAMES]
        cells = ["flushed" if each else "kept" for each in flushed]
        parts += [row(["subnormals", *cells, ""]), ""]
    return "\n".join(parts)


def of(table: pl.DataFrame, engine: str, threads: int, work: str) -> list[float]:
    """Return the figures of one engine at one kind of work, round by round."""
    return least(table.filter(engine=engine, threads=threads, work=work))["value"].to_list()


def row(cells: list[str]) -> str:
    """Return a row of a table."""
    return f"| {' | '.join(cells)} |"


def spread(values: list[float]) -> str:
    """Return a median with its quartiles, or its extremes if there are few values, as text."""
    found = np.quantile(values, [0.5, 0.25, 0.75] if len(values) > TURNS else [0.5, 0, 1])
    median, least, most = (f"{each:.0f}" if each >= 100 else f"{each:.3g}" for each in found)
    return f"{median} ({least} to {most})"


def chart(table: pl.DataFrame) -> alt.Chart:
    """Return a chart of the time of each engine at each kind of work, as a multiple of ours."""
    is_ours = pl.col("engine") == OURS
    keys = ["threads", "work", "turn", "round"]
    times = least(table)
    ours = times.filter(is_ours).select(*keys, ours="value")
    relative = (
        times.filter(~is_ours, pl.col("work").is_in(list(WORKS)))
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
            scale=alt.Scale(type="log", nice=False, padding=10),
            title="its time / ours (ours is 1)",
        ),
        y=alt.Y("work:N", sort=list(WORKS.values()), title=None, axis=alt.Axis(labelLimit=300)),
        color=alt.Color(
            "engine:N", scale=alt.Scale(domain=peers, range=style.COLOURS), title="engine"
        ),
        shape=alt.Shape("engine:N", scale=alt.Scale(domain=peers), title="engine"),
        row=alt.Row("threads:N", title="threads"),
    ).properties(width=480, height=alt.Step(22))
    return drawn.resolve_scale(y="independent")  # some work has one thread alone
