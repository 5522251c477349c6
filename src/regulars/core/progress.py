"""How long work tells a person how far it is. The command line draws it; a library user may pass nothing."""

from typing import Protocol


class Progress(Protocol):
    """Called often during long work; must be quick."""

    def step(self, label: str, done: int | None, total: int | None) -> None:
        """`label` says what is going on; `done` of `total` units of it are behind; None = unknown."""


class Silent:
    """The progress of somebody who does not want to know."""

    def step(self, label: str, done: int | None, total: int | None) -> None:
        """Say nothing."""
