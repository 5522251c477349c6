"""What the audit says: segments and who is in them, scores."""

import datetime as dt
from typing import Annotated, Literal

from ninja import Field, Path, Query, Router, Schema
from ninja.errors import HttpError

from regulars.api.http import Problem, Request, answers, needs
from regulars.api.models import Scope
from regulars.api.pages import LARGEST_ID, PAGE, Cursor, NextField, Size, UpdatedAfter, in_utc, page_of
from regulars.core.i18n import gettext as _
from regulars.insights.models import AuditRun, Score, Segment
from regulars.insights.segments.query import customers_of

router = Router(tags=["insights"])

State = Literal["new", "regular", "won_back", "slipping", "lost"]
SegmentId = Annotated[int, Path(ge=1, le=LARGEST_ID, description="The segment's id.", examples=[3])]


class SegmentOut(Schema):
    """One segment."""

    id: int = Field(description="The segment's id.", examples=[3])
    name: str = Field(description="What it is called.", examples=["Slipping regulars"])
    updated_at: dt.datetime = Field(description="When its rule was changed last.")


class SegmentPage(Schema):
    """Some segments, and where the next ones begin."""

    items: list[SegmentOut] = Field(description="The segments of this page.")
    next: str | None = Field(description=NextField)


class MemberOut(Schema):
    """Somebody who is in it now."""

    id: int = Field(description="The customer's id here.", examples=[42])
    external_id: str | None = Field(description="The id in the till or in another system.", examples=["C-000123"])
    name: str = Field(description="The name as it is shown.", examples=["Vera Sokolova"])


class MemberPage(Schema):
    """Some members, and where the next ones begin."""

    items: list[MemberOut] = Field(description="The members of this page.")
    next: str | None = Field(description=NextField)


class ScoreOut(Schema):
    """What the newest audit says of a customer; money in minor units."""

    customer_id: int = Field(description="The customer's id here.", examples=[42])
    state: str = Field(description="By his own rhythm: active, slipping, lost and so on.", examples=["slipping"])
    rfm_segment: str = Field(description="His RFM segment; empty without one.", examples=["champions"])
    abc: str = Field(description="His class by money: A, B or C.", examples=["A"])
    visits: int = Field(description="How many times he came.", examples=[12])
    amount: int = Field(description="What he spent in all.", examples=[1250000])
    amount_year: int = Field(description="What he spent in the last year.", examples=[430000])
    last_on: dt.date | None = Field(description="When he came last.")
    return_chance: float | None = Field(description="How likely he comes again, from 0 to 1.", examples=[0.41])
    expected_value_12: int | None = Field(description="What he will spend in twelve months.", examples=[210000])
    opportunity: str = Field(description="What to do with him first; empty when there is nothing.")
    opportunity_amount: int | None = Field(description="What that may bring.")


class ScorePage(Schema):
    """Some scores, and where the next ones begin."""

    items: list[ScoreOut] = Field(description="The scores of this page.")
    next: str | None = Field(description=NextField)


@router.get("/segments", response=answers(SegmentPage), **needs(Scope.READ_INSIGHTS), summary="List segments")
def list_segments(
    request: Request, cursor: Cursor = None, limit: Size = PAGE, updated_after: UpdatedAfter = None
) -> dict[str, object]:
    """Segments in the order of their last change."""
    rows = Segment.objects.all()
    if updated_after is not None:
        rows = rows.filter(updated_at__gt=in_utc(updated_after))
    items, following = page_of(rows, order=("updated_at", "id"), cursor=cursor, limit=limit)
    return {"items": items, "next": following}


@router.get(
    "/segments/{int:segment_id}/members",
    response=answers(MemberPage, more={404: Problem}),
    **needs(Scope.READ_INSIGHTS),
    summary="List members of a segment",
)
def list_members(
    request: Request, segment_id: SegmentId, cursor: Cursor = None, limit: Size = PAGE
) -> dict[str, object]:
    """Who is in the segment now, in the order of their ids."""
    segment = segment_of(segment_id)
    items, following = page_of(customers_of(segment.rule), order=("id",), cursor=cursor, limit=limit)
    return {"items": items, "next": following}


@router.get("/scores", response=answers(ScorePage), **needs(Scope.READ_INSIGHTS), summary="List scores")
def list_scores(
    request: Request,
    cursor: Cursor = None,
    limit: Size = PAGE,
    state: Annotated[State | None, Query(description="Only this state.")] = None,
    updated_after: UpdatedAfter = None,
) -> dict[str, object]:
    """The scores of all customers; each audit replaces them as a whole, and tells so by the web-hook `audit.done`.

    With `updated_after` they come when an audit was done after that moment, else none.
    """
    rows = Score.objects.all() if state is None else Score.objects.filter(state=state)
    if updated_after is not None:
        done = AuditRun.objects.filter(state=AuditRun.State.DONE, finished_at__gt=in_utc(updated_after))
        rows = rows if done.exists() else rows.none()
    items, following = page_of(rows, order=("customer_id",), cursor=cursor, limit=limit)
    return {"items": items, "next": following}


def segment_of(segment_id: int) -> Segment:
    """The segment; 404 when there is none."""
    found = Segment.objects.filter(pk=segment_id).first()
    if found is None:
        raise HttpError(404, _("There is no segment {id}.").format(id=segment_id))
    return found
