"""Errors that the user can correct, as opposed to faults of the program."""


class InputError(Exception):
    """A configuration, file or address is invalid.

    The user sees only the message: it names the key or file, what was found and what was expected.
    """


class UnreadableError(InputError):
    """A file exists and cannot be read now: it may be intact, so nothing may replace it."""


class OutputError(InputError):
    """A file cannot be written: the disk is full, permission is denied, or the folder is gone."""
