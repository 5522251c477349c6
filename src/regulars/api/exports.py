"""Whole lists as files: asked for by a key, written in the background, fetched by the same key within a day."""

import datetime as dt
from typing import Annotated, Any, Literal

from django.http import FileResponse
from ninja import Field, Path, Router, Schema, Status
from ninja.errors import HttpError

from regulars.accounts.services import log
from regulars.api.export_files import KEPT_HOURS, MOST_OPEN, path_of, request_export
from regulars.api.http import IdempotencyKey, In, Key, Problem, Request, answers, needs, repeatable
from regulars.api.insights import segment_of
from regulars.api.models import Export, Scope
from regulars.api.pages import LARGEST_ID, PAGE, Cursor, NextField, Size, in_utc, page_of
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _

router = Router(tags=["exports"])

ExportId = Annotated[int, Path(ge=1, le=LARGEST_ID, description="The export's id.", examples=[12])]


class ExportIn(In):
    """Which list to take out."""

    kind: Literal["customers", "segment", "receipts"] = Field(
        description="All customers, the members of a segment, or the lines of receipts.", examples=["customers"]
    )
    segment_id: int | None = Field(
        None, ge=1, le=LARGEST_ID, description="Which segment, when the kind is `segment`.", examples=[None]
    )
    purchased_from: dt.datetime | None = Field(
        None, description="Of receipts: bought at this moment or later; without a zone it is UTC.", examples=[None]
    )
    purchased_before: dt.datetime | None = Field(
        None, description="Of receipts: bought before this moment; without a zone it is UTC.", examples=[None]
    )


class ExportOut(Schema):
    """One export."""

    id: int = Field(description="The export's id.", examples=[12])
    kind: Literal["customers", "segment", "receipts"] = Field(description="Which list.")
    segment_id: int | None = Field(description="Which segment.")
    state: Literal["waiting", "running", "done", "failed"] = Field(description="How far it is.")
    rows: int | None = Field(description="How many rows the file has, when it is done.", examples=[2469])
    size: int | None = Field(description="How many bytes the file has, when it is done.", examples=[181204])
    error: str = Field(description="Why it failed; else empty.")
    created_at: dt.datetime = Field(description="When it was asked for.")
    finished_at: dt.datetime | None = Field(description="When it was done, or failed.")


class ExportPage(Schema):
    """Some exports, and where the next ones begin."""

    items: list[ExportOut] = Field(description="The exports of this page.")
    next: str | None = Field(description=NextField)


@router.get("", response=answers(ExportPage), **needs(Scope.EXPORT), summary="List exports")
def list_exports(request: Request, cursor: Cursor = None, limit: Size = PAGE) -> dict[str, object]:
    """The exports that this key asked for and that are still kept."""
    items, following = page_of(Export.objects.filter(key=request.auth), order=("id",), cursor=cursor, limit=limit)
    return {"items": items, "next": following}


@router.post(
    "", response=answers(ExportOut, status=202, more={404: Problem}), **needs(Scope.EXPORT), summary="Ask for an export"
)
def ask_export(request: Request, body: ExportIn, idempotency_key: IdempotencyKey = None) -> "Status[Any]":
    """Have a list written to a file. Ask for its state until it is `done`, then fetch the file."""
    if (body.kind == "segment") != (body.segment_id is not None):
        raise InputError(_("Give segment_id with the kind “segment”, and with no other."))
    if body.kind != "receipts" and (body.purchased_from or body.purchased_before):
        raise InputError(_("Only receipts can be narrowed to a period."))

    def write() -> tuple[int, Any]:
        made = request_export(
            request.auth,
            kind=body.kind,
            segment=None if body.segment_id is None else segment_of(body.segment_id),
            since=body.purchased_from and in_utc(body.purchased_from),
            until=body.purchased_before and in_utc(body.purchased_before),
            address=request.META.get("REMOTE_ADDR") or None,
        )
        return 202, as_dict(made)

    return repeatable(request, idempotency_key, write)


ask_export.__doc__ = f"{ask_export.__doc__} At most {MOST_OPEN} at once; a file is kept for {KEPT_HOURS} hours."


@router.get(
    "/{int:export_id}",
    response=answers(ExportOut, more={404: Problem}),
    **needs(Scope.EXPORT),
    summary="Read the state of an export",
)
def read_export(request: Request, export_id: ExportId) -> dict[str, Any]:
    """How far it is."""
    return as_dict(_export_of(request, export_id))


@router.get(
    "/{int:export_id}/file",
    response={404: Problem, 409: Problem, 401: Problem, 403: Problem, 422: Problem, 429: Problem},
    summary="Fetch the file",
    auth=Key(Scope.EXPORT),
    openapi_extra={
        "x-scope": Scope.EXPORT.value,
        "responses": {
            200: {
                "description": "CSV in UTF-8 with commas. A text that a spreadsheet would take for a formula begins "
                "with an apostrophe.",
                "content": {"text/csv": {"schema": {"type": "string"}}},
            }
        },
    },
)
def read_export_file(request: Request, export_id: ExportId) -> FileResponse:
    """The list itself; 409 while it is not done."""
    found = _export_of(request, export_id)
    if found.state != Export.State.DONE:
        raise HttpError(409, _("This export is not ready: {state}.").format(state=_(found.get_state_display())))
    try:
        file = path_of(found).open("rb")
    except FileNotFoundError:
        raise HttpError(404, _("This file is no longer kept: ask for it again.")) from None
    log(
        "exported", who=f"API: {request.auth.name}", about=found.kind, address=request.META.get("REMOTE_ADDR") or None,
        details={"export": found.pk, "rows": found.rows, "key": request.auth.pk, "segment": found.segment_id},
    )  # fmt: skip
    name = f"{found.kind}-{found.created_at:%Y-%m-%d}.csv"
    return FileResponse(file, as_attachment=True, filename=name, content_type="text/csv; charset=utf-8")


def _export_of(request: Request, export_id: int) -> Export:
    """An export of this key; those of others are not there."""
    found = Export.objects.filter(key=request.auth, pk=export_id).first()
    if found is None:
        raise HttpError(404, _("There is no export {id}.").format(id=export_id))
    return found


_PLAIN = ("id", "kind", "segment_id", "state", "rows", "size", "error")


def as_dict(export: Export) -> dict[str, Any]:
    """The answer, as it is kept for repetitions too."""
    return {name: getattr(export, name) for name in _PLAIN} | {
        "created_at": export.created_at.isoformat(),
        "finished_at": export.finished_at.isoformat() if export.finished_at else None,
    }
