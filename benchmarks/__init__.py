"""Programs that measure: each prints the table that the docs show."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "workflow" / "scripts"))
