"""The periods of which rules count what a member bought, by the shop's calendar."""

import datetime as dt

_EVER = dt.datetime(1, 1, 2, tzinfo=dt.UTC)


def begin_of(period: str, local: dt.datetime) -> dt.datetime | None:
    """When the period of this moment began; None: before all."""
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if period == "all":
        return None
    if period == "year":
        return midnight.replace(month=1, day=1)
    if period == "quarter":
        return midnight.replace(month=(local.month - 1) // 3 * 3 + 1, day=1)
    if period == "month":
        return midnight.replace(day=1)
    day = midnight.date() - dt.timedelta(days=int(period.removeprefix("days:")))
    return dt.datetime.combine(day, dt.time(), tzinfo=local.tzinfo)


def windows(period: str, local: dt.datetime) -> tuple[dt.datetime, dt.datetime]:
    """When the period began, and when the one before it did: that one is empty where periods slide or never end."""
    begin = begin_of(period, local)
    if begin is None:
        return _EVER, _EVER
    if period.startswith("days:"):
        return begin, begin
    before = begin_of(period, begin - dt.timedelta(days=1))
    assert before is not None
    return begin, before


def next_begins(period: str, local: dt.datetime) -> list[dt.datetime]:
    """The midnights on which a purchase of this moment begins to count less, without that anybody buys."""
    if period == "all":
        return []
    if period.startswith("days:"):
        day = local.date() + dt.timedelta(days=int(period.removeprefix("days:")) + 1)
        return [dt.datetime.combine(day, dt.time(), tzinfo=local.tzinfo)]
    found = []
    for _window in range(2):
        begin = begin_of(period, local)
        assert begin is not None
        local = begin_of(period, begin + dt.timedelta(days=_LONGER_THAN[period])) or begin
        found.append(local)
    return found


_LONGER_THAN = {"month": 32, "quarter": 93, "year": 367}
