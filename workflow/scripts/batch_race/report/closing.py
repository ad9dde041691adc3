"""The last message of a run of the workflow: the answer, or how to make it."""

import shlex
from collections.abc import Collection, Sequence
from pathlib import Path

MADE_FOR = "made_for.txt"
"""The file next to the answer with the digest of the configuration that it was made for."""

_DROPPED = frozenset(
    {
        *("-U", "--until", "-O", "--omit-from", "--allowed-rules", "--batch"),
        *("-R", "--forcerun", "-f", "--force", "-F", "--forceall"),
        *("-t", "--touch", "--rerun-triggers"),
    }
)
"""Options of Snakemake that leave out rules or run finished ones again, with all their values."""


def answer(path: Path, configuration: str, *, is_made: bool, command: str) -> str:
    """Return the answer if it was made for this configuration, and otherwise how to make it.

    Parameters
    ----------
    path : Path
        Of the answer as text.
    configuration : str
        The digest of this configuration; see `Experiment.digest`.
    is_made : bool
        Whether this run of the workflow made the answer, or found it up to date.
    command : str
        As `command` gives it.

    Returns
    -------
    str
    """
    if not is_made:
        before = f" ({path} is from an earlier one)" if path.exists() else ""
        return f"This run made no answer{before}. This command makes it:\n  {command}\n"
    # Snakemake may take another configuration's for it, told to look at the age of files alone.
    if path.with_name(MADE_FOR).read_text(encoding="utf-8").strip() != configuration:
        return (
            f"{path} is the answer to another configuration. This command makes this one's:\n"
            f"  {command}\n"
        )
    return path.read_text(encoding="utf-8")


def command(arguments: Sequence[str], targets: Collection[str]) -> str:
    """Return the command that makes the answer.

    Parameters
    ----------
    arguments : sequence of str
        Those that this run of Snakemake was given.
    targets : collection of str
        Those among them that it was asked for instead of the answer.

    Returns
    -------
    str
        The same command without targets and what restricts or forces rules.
    """
    kept: list[str] = []
    is_dropping = False
    for argument in arguments:
        if argument.startswith("-"):
            is_dropping = argument.partition("=")[0] in _DROPPED
        if not is_dropping and argument not in targets:
            kept.append(argument)
    while kept and kept[-1] == "--":
        kept.pop()
    return shlex.join(["snakemake", *kept])
