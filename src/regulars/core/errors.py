"""The error tree. Every message says what happened, to which value, and what to do about it.

RegularsError
├── InputError              the user gave something that cannot be used: exit code 2, HTTP 400
│   ├── FileProblem         a file cannot be read, or is not what it says it is
│   ├── ColumnProblem       a required column is missing, or two fit one role equally well
│   └── TooManyRejects      more rows are broken than the user agreed to lose
├── NotEnoughData           the question is fine, the history is too small or degenerate to answer it
└── OutputError             the result cannot be written: no space, no permission
"""


class RegularsError(Exception):
    """Base of every error that Regulars raises on purpose; `str(error)` is ready for a person."""

    exit_code = 1


class InputError(RegularsError):
    """What the user gave cannot be used as it is."""

    exit_code = 2


class FileProblem(InputError):
    """A file is missing, unreadable, damaged, or of a kind that is not supported."""


class ColumnProblem(InputError):
    """A required column is missing, ambiguous, or holds values of the wrong kind."""


class TooManyRejects(InputError):
    """The share of rejected rows is above the limit that the user accepts."""


class NotEnoughData(RegularsError):
    """The history cannot carry this analysis; the message says what is missing.

    The audit catches it, leaves that analysis out and prints the message in its place.
    """

    exit_code = 2


class OutputError(RegularsError):
    """A result cannot be written where the user asked for it."""

    exit_code = 2
