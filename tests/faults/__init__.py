"""Tests that cause faults, and programs that do so for longer."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "workflow" / "scripts"))
