"""Files come in here: drop one, see what it would bring, start it, watch it, take it back."""

import datetime as dt
import re
import zoneinfo
from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from regulars.accounts.rights import Right
from regulars.accounts.services import log
from regulars.analytics.purchases import Notice
from regulars.core.errors import InputError, OutputError
from regulars.core.i18n import format_moment, format_number
from regulars.core.i18n import gettext as _
from regulars.core.money import format_money
from regulars.foundation.models import Business
from regulars.ingest import describe_notice, describe_reason
from regulars.ingest.headings import ROLES
from regulars.purchases.importing import files, runs
from regulars.purchases.importing.kinds import guess_kind
from regulars.purchases.importing.people_lists import preview_list, role_titles
from regulars.purchases.importing.preview import ROLE_TITLES, preview
from regulars.purchases.importing.preview_documents import DocumentsPreview, preview_documents
from regulars.purchases.importing.price_lists import ROLES as PRICE_ROLES
from regulars.purchases.importing.price_lists import preview_price_list, reason_words
from regulars.purchases.models import Import
from regulars.web.access import Request, needs
from regulars.web.uploads import largest, was_disk_full

_PAGE = 50


@needs(Right.RUN_IMPORTS)
@require_safe
def index(request: Request) -> HttpResponse:
    """The drop zone, and the imports from the newest on."""
    return _index(request)


def _index(request: Request, *, error: str = "", status: int = 200) -> HttpResponse:
    found = Import.objects.select_related("by").order_by("-id")
    before = request.GET.get("before", "")
    if before.isdecimal() and len(before) < 19:
        found = found.filter(id__lt=int(before))
    rows = list(found[: _PAGE + 1])
    context = {
        "imports": rows[:_PAGE],
        "older": rows[_PAGE - 1].pk if len(rows) > _PAGE else None,
        "error": error,
        "limit_mb": largest() >> 20,
        "zone": Business.current().zone if Business.objects.exists() else None,
        "badges": BADGES,
    }
    return render(request, "imports.html", context, status=status)


BADGES = {"done": "good", "failed": "bad", "draft": "warn", "undone": ""}


@needs(Right.RUN_IMPORTS)
@require_POST
def upload(request: Request) -> HttpResponse:
    """Take a file in as a draft."""
    given = request.FILES.get("file")
    if was_disk_full(request):
        return _index(
            request, error=_("There is no space left on the server's disk. Free some and try again."), status=507
        )
    if not isinstance(given, UploadedFile):
        return _index(request, error=_("Choose a file first."), status=400)
    try:
        runs.refuse_without_business()
        stored = files.store(given.chunks(), most=largest())
        is_goods = request.POST.get("kind") == Import.Kind.GOODS
        kind = Import.Kind.GOODS if is_goods else guess_kind(files.path_of(stored.name), given.name or "")
    except OutputError as error:
        return _index(request, error=str(error), status=507)
    except InputError as error:
        return _index(request, error=str(error), status=400)
    draft = runs.make_draft(kind, stored, given.name or "", by=request.user)
    return redirect("import", pk=draft.pk)


@needs(Right.RUN_IMPORTS)
@require_safe
def page(request: Request, pk: int) -> HttpResponse:
    """One import: a draft to settle, work to watch, or a result."""
    imported = get_object_or_404(Import.objects.select_related("by"), pk=pk)
    if imported.state == Import.State.DRAFT or (imported.state == Import.State.FAILED and _has_file(imported)):
        return _draft(request, imported)
    return render(request, "import.html", _result(request, imported))


def _has_file(imported: Import) -> bool:
    return bool(imported.stored_as) and files.path_of(imported.stored_as).exists()


def _draft(request: Request, imported: Import, *, error: str = "", status: int = 200) -> HttpResponse:
    if not _has_file(imported):
        return render(
            request, "import.html", _result(request, imported) | {"problem": _("The file is no longer here.")}
        )
    asked = request.POST if request.method == "POST" else request.GET
    context = {
        "imported": imported,
        "kinds": Import.Kind,
        "error": error or spoken(imported.error),
        "same": runs.same_before(imported),
        "zone": Business.current().zone,
        "accept_rejects": "accept_rejects" in asked,
    }
    path = files.path_of(imported.stored_as)
    shown: Any
    if imported.kind == Import.Kind.CUSTOMERS:
        mapping = _mapping(asked) or imported.options.get("mapping") or None
        shown = preview_list(path, imported.file_name, mapping)
        context |= {"preview": shown, "roles": role_titles()}
        context["rows"] = [["" if one is None else one for one in row] for row in shown.rows]
    elif imported.kind == Import.Kind.GOODS:
        mapping = _mapping(asked) or imported.options.get("mapping") or None
        shown = preview_price_list(path, imported.file_name, mapping)
        context |= {"preview": shown, "roles": PRICE_ROLES}
        context["rows"] = [
            [_cell(name, one) for name, one in zip(shown.columns, row, strict=True)] for row in shown.rows
        ]
    elif imported.kind == Import.Kind.PURCHASES:
        mapping = _role_mapping(asked) or imported.options.get("mapping") or None
        shown = preview(path, imported.file_name, mapping)
        context |= {"preview": shown, "roles": {role: ROLE_TITLES[role] for role in ROLES}}
        context["rows"] = [
            [_cell(name, one) for name, one in zip(shown.columns, row, strict=True)] for row in shown.rows
        ]
    else:
        shown = preview_documents(imported.kind, path, imported.file_name)
        context |= {
            "preview": shown,
            "roles": ROLE_TITLES,
            "counts": _counts(shown),
            "reasons": _reasons(shown.reasons),
        }
        context["rows"] = [
            [_cell(name, one) for name, one in zip(shown.columns, row, strict=True)] for row in shown.rows
        ]
    context["problems"] = [spoken(problem) for problem in shown.problems]
    template = "import_columns.html" if request.htmx and request.method == "GET" else "import_draft.html"
    return render(request, template, context, status=status)


def _counts(shown: DocumentsPreview) -> list[tuple[str, int]]:
    titles = {
        "receipts": _("Receipts and orders that can be taken"), "lines": _("Lines in them"),
        "left_out": _("Documents that would be left out"), "products": _("Products"), "customers": _("Customers"),
        "told_costs": _("Costs of goods"), "told_prices": _("Prices of goods"),
        "prices": _("Prices, which are not kept"), "stock": _("Stock, which is not kept"),
    }  # fmt: skip
    return [(titles[what], count) for what, count in shown.counts.items()]


def _cell(name: str, value: Any) -> str:
    """A value of the contract as people read it."""
    if value is None:
        return ""
    if name in ("amount", "discount", "cost", "price"):
        return format_money(value, Business.current().currency, exact=True)
    if isinstance(value, dt.datetime):
        return format_moment(value.replace(tzinfo=dt.UTC), zoneinfo.ZoneInfo("UTC"))
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)


def _mapping(asked: Mapping[str, Any]) -> dict[str, str]:
    """heading -> what the person chose for it."""
    chosen = {}
    for name, value in asked.items():
        place = name.removeprefix("role-")
        if place != name and place.isdecimal() and f"heading-{place}" in asked:
            chosen[str(asked[f"heading-{place}"])] = str(value)
    return chosen


def _role_mapping(asked: Mapping[str, Any]) -> dict[str, str]:
    """role -> heading, as the reader takes it: every role that no column was given to is off."""
    chosen = _mapping(asked)
    if not chosen:
        return {}
    return dict.fromkeys(ROLES, "") | {role: heading for heading, role in chosen.items() if role in ROLES}


@needs(Right.RUN_IMPORTS)
@require_POST
def begin(request: Request, pk: int) -> HttpResponse:
    """Start a draft with what was chosen on its page."""
    imported = get_object_or_404(Import, pk=pk)
    is_list = imported.kind in (Import.Kind.CUSTOMERS, Import.Kind.GOODS)
    mapping = _mapping(request.POST) if is_list else _role_mapping(request.POST)
    try:
        runs.start(
            imported,
            runs.Wishes(mapping=mapping, accept_rejects="accept_rejects" in request.POST),
            by=request.user,
        )
    except InputError as error:
        messages.error(request, str(error))
    return redirect("import", pk=pk)


@needs(Right.RUN_IMPORTS)
@require_safe
def state(request: Request, pk: int) -> HttpResponse:
    """How far it is; when it is over, the page is loaded anew."""
    imported = get_object_or_404(Import, pk=pk)
    response = render(request, "import_state.html", {"imported": imported})
    if not imported.is_under_way:
        response.headers["HX-Refresh"] = "true"
    return response


@needs(Right.RUN_IMPORTS)
@require_POST
def undo(request: Request, pk: int) -> HttpResponse:
    """Take all of it back."""
    try:
        runs.ask_undo(get_object_or_404(Import, pk=pk), by=request.user)
    except InputError as error:
        messages.error(request, str(error))
    return redirect("import", pk=pk)


@needs(Right.RUN_IMPORTS)
@require_POST
def discard(request: Request, pk: int) -> HttpResponse:
    """Forget a draft."""
    try:
        runs.discard(get_object_or_404(Import, pk=pk))
    except InputError as error:
        messages.error(request, str(error))
    return redirect("imports")


@needs(Right.RUN_IMPORTS)
@require_safe
def rejects(request: Request, pk: int) -> FileResponse:
    """The rows that were left out, as a table for Excel."""
    imported = get_object_or_404(Import, pk=pk)
    if not imported.rejects_stored_as or not files.path_of(imported.rejects_stored_as).exists():
        raise Http404
    log("rejects_downloaded", user=request.user, about=imported.file_name, details={"import": pk})
    return FileResponse(
        files.path_of(imported.rejects_stored_as).open("rb"), as_attachment=True, filename=f"rejected-rows-{pk}.csv",
        content_type="text/csv; charset=utf-8",
    )  # fmt: skip


def spoken(text: str) -> str:
    """An error of the reader without its sentences for the command line."""
    lines = [re.split(r"(?<=[.!?])\s+", line) for line in text.splitlines()]
    return "\n".join(" ".join(one for one in line if "--" not in one) for line in lines).strip()


# kinds of imports tell different ones of these
_FIGURES = (
    "receipts", "lines", "amount", "receipts_known", "receipts_differ", "customers", "customers_known",
    "customers_filled", "customers_forgotten", "products", "costs", "prices", "undo",
)  # fmt: skip


def _result(request: Request, imported: Import) -> dict[str, Any]:
    result = imported.result
    notices = [
        describe_notice(Notice(one["kind"], one["rows"], one.get("example"), one.get("estimated", False)))
        for one in result.get("notices", [])
    ]
    return {
        "imported": imported,
        "result": dict.fromkeys(_FIGURES) | result,
        "notices": [*notices, *_unused(imported), *_left(result.get("undo", {}))],
        "reasons": _reasons(result.get("reject_reasons", {})),
        "has_rejects": bool(imported.rejects_stored_as),
        "currency": Business.current().currency,
        "zone": Business.current().zone,
        "badges": BADGES,
        "problem": "",
        "error": spoken(imported.error),
        "may_see_goods": request.user.may(Right.SEE_INSIGHTS),
        "kept": _kept(result.get("undo", {})),
    }


def _reasons(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """Why rows and documents are left out, and how many."""
    words = {
        "no_sale": _("no sale and no return of one"),
        "no_receipt": _("the document has no key, no moment or no lines"),
        "bad_item": _("a line of the document has no sum that can be read"),
        "struck": _("cancelled or marked for deletion"),
        "other_currency": _("in another currency"),
        "names_nobody": _("the row names nobody"),
        "bad_contact": _("a phone, e-mail or card that cannot be one: left out, the rest of the row was taken"),
    } | reason_words()
    return [(words.get(reason) or describe_reason(reason), count) for reason, count in counts.items()]


def _unused(imported: Import) -> list[str]:
    """What a file of 1C holds besides."""
    unused = imported.result.get("unused")
    if unused is None:
        return []
    words = {"prices": _("Prices in the file that are not kept: {count}. Goods lets you say which kind is the cost, "
                         "and which the price."),
             "stock": _("Stock in the file: {count}. It is not kept.")}  # fmt: skip
    told = [words[what].format(count=format_number(count, 0)) for what, count in unused.items() if what in words]
    if not told and not any(imported.result.get(name) for name in ("receipts", "products", "customers", "rows_read")):
        told = [_("The file holds nothing that is new here.")]
    return told


def _left(undone: Mapping[str, int]) -> list[str]:
    """Goods that nothing uses and that stay nevertheless."""
    count = sum(number for name, number in undone.items() if name.startswith("kept_unused_"))
    words = _(
        "Products, stores and sellers that nothing uses by now, and that stay: {count}. To remove so many, the "
        "database's user needs a right of its own: see the guide of imports."
    )
    return [words.format(count=format_number(count, 0))] if count else []


def _kept(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """Why some customers stayed after an undo."""
    words = {
        "kept_bought": _("have purchases from elsewhere"),
        "kept_merged": _("were merged with others"),
        "kept_changed": _("were changed since"),
        "kept_used": _("have notes, consents or other records"),
    }
    return [(words[reason], count) for reason, count in counts.items() if reason in words]
