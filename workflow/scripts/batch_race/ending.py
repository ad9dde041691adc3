"""The end of a process."""

import atexit
import gc


def hasten() -> None:
    """Let this process end without looking for garbage, whose memory goes with it in any case.

    That takes 0.1 s of a job and 0.3 s of Snakemake, on cores of timed runs. Files are closed as
    before, except those that only garbage refers to.
    """
    atexit.register(gc.freeze)
