"""How a process ends."""

import subprocess
import sys

from tests.pages import ROOT

SCRIPT = """
import atexit, gc
from batch_race import ending
atexit.register(lambda: print(gc.get_freeze_count() > 0))
ending.hasten()
file = open({path!r}, "w")
file.write("all")
"""


def test_a_process_ends_without_looking_for_garbage_and_closes_its_files(tmp_path):
    path = tmp_path / "file"
    script = [sys.executable, "-c", SCRIPT.format(path=str(path))]
    scripts = {"PYTHONPATH": str(ROOT / "workflow" / "scripts")}
    ended = subprocess.run(script, env=scripts, check=True, capture_output=True, text=True)
    assert ended.stdout == "True\n"
    assert path.read_text(encoding="utf-8") == "all"
