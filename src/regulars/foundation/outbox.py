"""Telling other programs what happened: kept with the write itself, sent later."""

from typing import Any

from regulars.foundation.models import Happening


def announce(event: str, content: dict[str, Any]) -> None:
    """Keep the event for those who want to know it. What is rolled back is not told."""
    Happening.objects.create(event=event, content=content)
