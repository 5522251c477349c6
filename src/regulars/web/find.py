"""Ctrl+K: a customer by any part of name, phone, card, e-mail, or a page."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from regulars.web.access import Request, for_everybody
from regulars.web.menu import menu

# the same keys in the two layouts, so that "сгыещьукы" finds "customers" too
_RUSSIAN = "йцукенгшщзхъфывапролджэячсмитьбю"
_LATIN = "qwertyuiop[]asdfghjkl;'zxcvbnm,."
OTHER_LAYOUT = str.maketrans(_RUSSIAN + _LATIN, _LATIN + _RUSSIAN)


def readings(words: str) -> tuple[str, ...]:
    """What was typed, and what the same keys give in the other layout."""
    typed = words.casefold().strip()
    other = typed.translate(OTHER_LAYOUT)
    return (typed,) if other == typed else (typed, other)


@for_everybody
@require_safe
def page(request: Request) -> HttpResponse:
    """What was found: a piece of a page for the palette, a whole page without scripts."""
    words = request.GET.get("q", "")[:100]
    wanted = readings(words)
    pages = [item for item in menu(request) if words and any(one in item.title.casefold() for one in wanted)]
    return render(request, "found.html" if request.htmx else "find.html", {"words": words, "pages": pages})
