"""What the workflow's scripts share, by what it is for: plan, data, run, store, analyze, report.

The folder above is on the path of every script. The project's own comes first after this import,
so that `nn` is this project's, whatever else has that name.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))
