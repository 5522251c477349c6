"""Many at one moment, each with a connection of his own."""

import threading
from collections.abc import Callable
from typing import Any

from django.db import connections


def together(count: int, work: Callable[[int], Any]) -> list[Any]:
    """Do it in so many threads that begin at one moment; what they answered, or the error they met."""
    answers: list[Any] = [None] * count
    start = threading.Barrier(count)

    def one(place: int) -> None:
        try:
            start.wait(timeout=30)
            answers[place] = work(place)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=one, args=(place,)) for place in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert all(answer is not None for answer in answers)
    return answers
