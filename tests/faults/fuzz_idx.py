"""Search for bytes at which the idx reader raises an error other than its own, led by coverage.

    pip install -r requirements-fuzz.lock
    python -m tests.faults.fuzz_idx --seconds 600

Atheris generates bytes for the reader, and keeps those that reach new code. Ends with the last of
its reports, or with the error and the file that causes it.
"""

import argparse
import gzip
import struct
import sys
import tempfile
from pathlib import Path

import atheris
import numpy as np

from batch_race.errors import InputError

INSTRUMENTED = ["batch_race.data.idx", "batch_race.data.content", "gzip"]
with atheris.instrument_imports(include=INSTRUMENTED):
    from batch_race.data import idx

HEADER = struct.pack(">HBB3I", 0, 8, 3, 2, 2, 3)
SEEDS = [
    HEADER + bytes(12),
    gzip.compress(HEADER + bytes(12)),
    struct.pack(">HBBI", 0, 8, 1, 4) + bytes(4),
    struct.pack(">HBB3I", 0, 8, 3, *[2**32 - 1] * 3),
    gzip.compress(HEADER + bytes(100_000)),
]


def read(content: bytes, path: Path) -> None:
    """Read bytes as a file of one to three dimensions, according to the first byte."""
    path.write_bytes(content[1:])
    shape = (None,) * (1 + content[0] % 3 if content else 1)
    message = f"{path}: "
    try:
        array = idx.read(path, shape)
    except InputError as error:
        message = str(error)
    else:
        assert array.dtype == np.uint8
        assert array.ndim == len(shape)
        assert array.shape == idx.read_header(path).shape
    assert message.startswith(f"{path}: ")
    assert len(message) < 300 + len(str(path))


def main() -> None:
    """Fuzz for as long as the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=int, default=600)
    seconds = parser.parse_args().seconds
    folder = Path(tempfile.mkdtemp())  # not removed: it has the file that causes an error
    corpus = folder / "corpus"
    corpus.mkdir()
    for index, seed in enumerate(SEEDS):
        for dimensions in range(3):
            (corpus / f"{index}_{dimensions}").write_bytes(bytes([dimensions]) + seed)
    options = [
        f"-max_total_time={seconds}",
        f"-artifact_prefix={folder}/",
        *("-max_len=4096", "-rss_limit_mb=1024", "-timeout=10", "-print_final_stats=1"),
    ]
    path = folder / "file"
    atheris.Setup([sys.argv[0], *options, str(corpus)], lambda content: read(content, path))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
