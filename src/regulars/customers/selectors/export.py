"""All that is known of one person, to hand over: a ZIP with JSON for programs and a page for people."""

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from jinja2 import Environment

from regulars.core.i18n import current_language
from regulars.core.i18n import gettext as _
from regulars.customers.models import Customer, File
from regulars.customers.names import shown_name
from regulars.customers.selectors.family import family_of
from regulars.customers.services.files import path_of
from regulars.customers.services.moving import links
from regulars.foundation.models import Change

# of the machinery, or of other people
_UNTOLD = frozenset({"search_text", "search_parts", "token_hash", "stored_as", "import_id", "key", "is_demo"})
_MOST_ROWS = 100_000

_PAGE = """<!doctype html>
<html lang="{{ language }}"><head><meta charset="utf-8"><title>{{ title }}</title></head><body>
<h1>{{ title }}</h1>
{% for name, rows in tables.items() if rows %}
<h2>{{ name }}</h2>
{% for row in rows %}
<dl>{% for field, value in row.items() if value not in (none, "", [], {}) %}
<dt>{{ field }}</dt><dd>{{ value }}</dd>{% endfor %}</dl><hr>
{% endfor %}{% endfor %}
</body></html>
"""

Tables = dict[str, list[dict[str, Any]]]


def all_about(customer: Customer) -> Tables:
    """Every row of every table that points to him, and of those who became part of him."""
    ids = family_of(customer.pk)
    tables: Tables = {"customer": _rows(Customer, {"pk__in": ids})}
    for link in links():
        name = f"{link.model._meta.model_name}" + ("" if link.name == "customer" else f".{link.name}")
        tables[name] = _rows(link.model, {f"{link.name}__in": ids})
        if name == "receipt":
            tables["receipt line"] = _rows_below(link.model, ids)
    tables["change"] = _rows(Change, {"customer_id__in": ids})
    return tables


def archive(customer: Customer, *, more: Callable[[], Tables] | None = None) -> bytes:
    """The ZIP: data.json, readable.html, and his files."""
    tables = all_about(customer) | (more() if more else {})
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("data.json", json.dumps(tables, cls=DjangoJSONEncoder, ensure_ascii=False, indent=1))
        made.writestr("readable.html", _page(customer, tables))
        for file in File.objects.filter(customer__in=family_of(customer.pk)):
            path = path_of(file)
            if path.exists():
                made.write(path, f"files/{file.pk}-{file.name}")
    return target.getvalue()


def _rows(model: type[models.Model], which: dict[str, Any]) -> list[dict[str, Any]]:
    rows = model._base_manager.filter(**which).order_by("pk")[:_MOST_ROWS]
    return [{name: value for name, value in row.items() if name not in _UNTOLD} for row in rows.values()]


def _rows_below(model: type[models.Model], ids: list[int]) -> list[dict[str, Any]]:
    """Lines of receipts, found like everything else without knowing that package."""
    below = next((one for one in model._meta.related_objects if one.field.name == "receipt"), None)
    if below is None:
        return []
    return _rows(below.related_model, {"receipt__customer__in": ids})


def _page(customer: Customer, tables: Tables) -> str:
    template = Environment(autoescape=True).from_string(_PAGE)
    title = _("All that is known of {name}").format(name=shown_name(customer))
    return template.render(language=current_language(), title=title, tables=tables)
