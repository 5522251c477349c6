"""Rows of results that are printed when they are known: what comes after them may take long, or fail."""

from collections.abc import Iterable
from typing import Self


class Told(list[tuple[str, str]]):
    """Pairs of label and figures."""

    def __iadd__(self, rows: Iterable[tuple[str, str]]) -> Self:  # type: ignore[override,misc]
        for one in rows:
            self.append(one)
        return self

    def append(self, row: tuple[str, str]) -> None:
        """Keep it, and say it."""
        print(*row, sep=": ", flush=True)
        super().append(row)
