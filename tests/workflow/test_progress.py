"""What a person at a terminal sees, through a real pseudo-terminal."""

import os
import pty
import re
import subprocess
import sys
import termios
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


def at_a_terminal(project, *arguments):
    """Run Snakemake at a terminal; give its exit status and all that the terminal was sent."""
    here, there = pty.openpty()
    termios.tcsetwinsize(there, (40, 100))
    process = subprocess.Popen(
        [sys.executable, "-m", "snakemake", "--cores", "2", *arguments],
        cwd=project.folder,
        stdin=there,
        stdout=there,
        stderr=there,
        close_fds=True,
        env=os.environ | {"TERM": "xterm", "COLUMNS": "100", "PYTHONDONTWRITEBYTECODE": ""},
    )
    os.close(there)
    sent = b""
    try:
        while part := os.read(here, 65536):
            sent += part
    except OSError:  # Linux's end of file of a terminal
        pass
    os.close(here)
    return process.wait(), sent.decode()


def test_each_run_shows_how_far_it_is(project):
    project.edit_config(batch_size=[1, 32], budget={"seconds": 5})
    status, sent = at_a_terminal(project, "results/compare/race/answer.txt")
    assert status == 0, sent
    assert re.search(r"0 of 2 runs done, [12] under way, about \d+ s of training left", sent)
    shares = [int(share) for share in re.findall(r"batch 32 +\|.*?\| +(\d+) %, loss \d", sent)]
    assert len(set(shares)) >= 2
    assert shares == sorted(shares)
    # The answer comes last, with no bar under it.
    assert "loss 0.5" in sent.rpartition("under way")[2]
    assert not list(Path(project.folder, "results").rglob("progress.json"))


def test_the_error_of_a_run_is_seen_above_the_bars(project):
    project.edit_config(batch_size=[1, 32], budget={"seconds": 5})
    project.run("--until", "prepare")
    script = project.folder / "workflow/scripts/train.py"
    broken = 'stopped = trainer.run()\n        raise ValueError("lost in the woods")'
    script.write_text(script.read_text().replace("stopped = trainer.run()", broken))
    status, sent = at_a_terminal(project)
    assert status == 1
    assert "under way" in sent
    assert "ValueError: lost in the woods" in sent
