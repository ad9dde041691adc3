"""The modules that the workflow's scripts share, grouped by purpose.

Importing this package puts the project's folder first on the path, so that `nn` is this project's,
whatever else has that name.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))
