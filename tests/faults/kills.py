"""Kill the workflow at random moments, run the documented next command, compare the results.

    python -m tests.faults.kills --tries 50 --seed 1

Each try starts from nothing: a download from a server on loopback, parsing, preparing, a run,
collecting and a chart. At a random moment SIGKILL goes to Snakemake or to the running script,
alternately. Then the command in docs/reliability.md is run. The results must equal those of an
undisturbed workflow: the data byte for byte, the losses by step bit for bit. Prints a line for each
try, and the row of the table in docs/reliability.md.
"""

import argparse
import contextlib
import functools
import hashlib
import http.server
import json
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import yaml
from PIL import Image

from batch_race.store import history
from tests.project import PUBLISHED, Project, checkout, script_name, scripts, write_digits

CHART = "results/plot/race/learning_by_iteration.png"
COMMAND = ("--cores", "1", CHART)


class _SlowHandler(http.server.SimpleHTTPRequestHandler):
    """Takes about a quarter of a second for a file, so that a kill can interrupt it."""

    def copyfile(self, source: Any, outputfile: Any) -> None:
        content = source.read()
        for start in range(0, len(content), 1 + len(content) // 5):
            outputfile.write(content[start : start + 1 + len(content) // 5])
            time.sleep(0.05)

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):  # the client was killed, as intended
            super().handle()

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve a folder on loopback; yield the address."""
    handler = functools.partial(_SlowHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def prepare(folder: Path, mirror: str, data: Path) -> Project:
    """Make a checkout whose `mnist` is a small dataset on the server."""
    project = checkout(folder)
    path = folder / "workflow" / "datasets.yaml"
    catalogue = yaml.safe_load(path.read_text())
    files = {
        part: {"name": name, "sha256": hashlib.sha256((data / name).read_bytes()).hexdigest()}
        for part, name in PUBLISHED.items()
    }
    small = {"mirrors": [mirror], "files": files, "train_count": 300, "test_count": 60}
    path.write_text(yaml.safe_dump(catalogue | {"mnist": catalogue["mnist"] | small}))
    project.edit_config(
        batch_size=32,
        budget={"seconds": None, "steps": 20_000},
        evaluation={"every_steps": 1000},
        checkpoint_seconds=0.2,
        hidden_nodes=20,
    )
    return project


def results(project: Project) -> dict[str, Any]:
    """Return the results, none of which may depend on an interruption."""
    folder = project.folder / "results"
    found: dict[str, Any] = {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for pattern in ("download/mnist/*.gz", "parse/mnist/*.npy", "prepare/mnist/*.np[yz]")
        for path in sorted(folder.glob(pattern))
    }
    found["leftovers"] = [path.name for path in folder.rglob(".*")]
    (path,) = folder.glob("train/mnist/*/*/history.parquet")
    columns = ["step", "epoch", "examples", "training_loss", "test_accuracy"]
    table, metadata = history.read(path)
    found["losses by step"] = table.select(columns).rows()
    found["stopped"] = metadata["stopped"]
    found["weights"] = hashlib.sha256((path.parent / "weights.npz").read_bytes()).hexdigest()
    collected = history.read_collected(folder / "collect/race/histories.parquet")
    found["collected"] = collected.select(columns).rows()
    json.loads((project.folder / CHART).with_suffix(".json").read_text())
    ElementTree.parse((project.folder / CHART).with_suffix(".svg"))
    with Image.open(project.folder / CHART) as image:
        image.load()  # to the last row
    return found


def disturb(project: Project, moment_seconds: float, victim: str) -> str:
    """Start from nothing and kill at a moment; return what ran then, or "" after the end.

    Parameters
    ----------
    victim : {"snakemake", "script"}
        Where no script runs at the moment, the next one is killed.
    """
    for name in ("results", ".snakemake"):
        shutil.rmtree(project.folder / name, ignore_errors=True)
    snakemake = subprocess.Popen(
        [sys.executable, "-m", "snakemake", *COMMAND],
        cwd=project.folder,
        env=project.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        time.sleep(moment_seconds)
        while (
            not (running := scripts(snakemake.pid))
            and victim == "script"
            and snakemake.poll() is None
        ):
            time.sleep(0.01)
        if snakemake.poll() is not None:
            return ""
        names = [name for each in running if (name := script_name(each))]
        if victim == "script":
            running[0].kill()
            snakemake.wait(timeout=120)
        return names[0] if names else "between scripts"
    finally:
        if snakemake.poll() is None:
            snakemake.send_signal(signal.SIGKILL)
        snakemake.wait()


def survive(tries: int, seed: int) -> list[tuple[str, str, bool]]:
    """Kill so many times; return each victim, what ran, and whether the results are the same."""
    chance = random.Random(seed)
    outcomes: list[tuple[str, str, bool]] = []
    with (
        tempfile.TemporaryDirectory() as name,
        serving(Path(name) / "server") as mirror,
    ):
        data = Path(name) / "server"
        write_digits(data)
        project = prepare(Path(name) / "checkout", mirror, data)
        started = time.monotonic()
        project.run(*COMMAND)
        seconds = time.monotonic() - started
        undisturbed = results(project)
        while len(outcomes) < tries:
            victim = ("snakemake", "script")[len(outcomes) % 2]
            moment = chance.uniform(0, seconds)
            rule = disturb(project, moment, victim)
            if not rule:
                continue  # the workflow had ended: try another moment
            if victim == "snakemake":
                project.run("--unlock")
            status, printed = project.snakemake(*COMMAND)
            is_same = status == 0 and results(project) == undisturbed
            outcomes.append((victim, rule, is_same))
            sys.stdout.write(f"{len(outcomes)}: {victim} at {moment:.2f} s, {rule}: {is_same}\n")
            sys.stdout.flush()
            if not is_same:
                sys.stdout.write(printed)
    return outcomes


def main() -> None:
    """Kill as often as the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tries", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    outcomes = survive(arguments.tries, arguments.seed)
    moments = Counter(rule for _, rule, _ in outcomes)
    hit = ", ".join(f"{rule} {count}" for rule, count in moments.most_common())
    survived = sum(is_same for *_, is_same in outcomes)
    sys.stdout.write(f"| kill -9 at random moments ({hit}) | {len(outcomes)} | {survived} |\n")
    sys.exit(survived < len(outcomes))


if __name__ == "__main__":
    main()
