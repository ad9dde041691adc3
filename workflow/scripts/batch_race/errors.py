"""The error that is the user's to mend, not a fault of the program."""


class InputError(Exception):
    """A config, file or address is not what it should be.

    Its message is all that the user is shown: it names the key or file, what was found and what
    was expected.
    """


class OutputError(InputError):
    """A file cannot be written: no room on the disk, no permission, or its folder is gone."""
