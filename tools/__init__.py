"""Programs for the development of the project."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "workflow" / "scripts"))
