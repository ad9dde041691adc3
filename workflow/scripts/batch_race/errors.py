"""Errors that the user can correct, as opposed to faults of the program."""


class InputError(Exception):
    """A configuration, file or address is invalid.

    The user sees only the message: it names the key or file, what was found and what was expected.
    """


class ResultError(InputError):
    """A result cannot be used. Where it was made, the same command makes it again.

    Attributes
    ----------
    problem : str
        The message without this advice, which is wrong for a file that was made elsewhere.
    """

    def __init__(self, problem: str) -> None:
        super().__init__(f"{problem}; remove it, and the same command makes it again")
        self.problem = problem


class UnreadableError(InputError):
    """A file exists and cannot be read now: it may be intact, so nothing may replace it."""


class OutputError(InputError):
    """A file cannot be written: the disk is full, permission is denied, or the folder is gone."""
