"""What the audit says: segments and who is in them, scores."""

import datetime as dt

from ninja import Router, Schema
from ninja.errors import HttpError

from regulars.api.http import PAGE, Key, Request, page_of
from regulars.api.models import Scope
from regulars.core.i18n import gettext as _
from regulars.insights.models import Score, Segment
from regulars.insights.segments.query import customers_of

router = Router(tags=["insights"])


class SegmentOut(Schema):
    """One segment."""

    id: int
    name: str
    updated_at: dt.datetime


class MemberOut(Schema):
    """Somebody who is in it now."""

    id: int
    external_id: str | None
    name: str


class MemberPage(Schema):
    """Some members, and where the next ones begin."""

    items: list[MemberOut]
    next: str | None


class ScoreOut(Schema):
    """What the newest audit says of a customer; money in minor units."""

    customer_id: int
    state: str
    rfm_segment: str
    abc: str
    visits: int
    amount: int
    amount_year: int
    last_on: dt.date | None
    return_chance: float | None
    expected_value_12: int | None
    opportunity: str
    opportunity_amount: int | None


class ScorePage(Schema):
    """Some scores, and where the next ones begin."""

    items: list[ScoreOut]
    next: str | None


@router.get("/segments", response=list[SegmentOut], auth=Key(Scope.READ_INSIGHTS))
def list_segments(request: Request) -> list[Segment]:
    """All segments, by name."""
    return list(Segment.objects.order_by("name", "id")[:1000])


@router.get("/segments/{int:segment_id}/members", response=MemberPage, auth=Key(Scope.READ_INSIGHTS))
def list_members(request: Request, segment_id: int, cursor: str | None = None, limit: int = PAGE) -> dict[str, object]:
    """Who is in the segment now."""
    segment = Segment.objects.filter(pk=segment_id).first()
    if segment is None:
        raise HttpError(404, _("There is no segment {id}.").format(id=segment_id))
    items, following = page_of(customers_of(segment.rule), order=("id",), cursor=cursor, limit=limit)
    return {"items": items, "next": following}


@router.get("/scores", response=ScorePage, auth=Key(Scope.READ_INSIGHTS))
def list_scores(request: Request, cursor: str | None = None, limit: int = PAGE) -> dict[str, object]:
    """The scores of all customers."""
    items, following = page_of(Score.objects.all(), order=("customer_id",), cursor=cursor, limit=limit)
    return {"items": items, "next": following}
