"""Answers that are made while they go out."""

from collections.abc import Iterator

from regulars.core.i18n import current_language, use_language


def in_language(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The pieces go out when the request is over, and still in its language."""
    language = current_language()

    def speaking() -> Iterator[bytes]:
        while True:
            with use_language(language):
                piece = next(pieces, None)
            if piece is None:
                return
            yield piece

    return speaking()
