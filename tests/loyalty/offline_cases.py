"""A till without a line, for the tests: it fetches a snapshot, sells by it alone, and tells later."""

import datetime as dt
from decimal import Decimal
from typing import Any

from django.utils import timezone

from regulars.loyalty.models import TillSnapshot
from regulars.loyalty.offline import write_waiting
from regulars.loyalty.programme.basket import Line
from regulars.loyalty.programme.offline import Snapshot, judge_offline, read
from regulars.loyalty.signatures import verify
from regulars.loyalty.snapshots import snapshot_named
from tests.api.test_till import Till
from tests.loyalty.selling_cases import CARD, no_segments

CAPS: dict[str, Any] = {"as": "discount", "worth": 100, "most_share": 50, "offline": {"most_points": 40}}
LATER = dt.timedelta(minutes=2)


class OfflineTill(Till):
    """A till with a snapshot; `clock` is what it believes the time to be."""

    snapshot: Snapshot
    public: str

    def fetch(self, store: str = "Arbat") -> Snapshot:
        """Take a snapshot, as a till does: checked, then read."""
        status, key = self("till/snapshot/key", {}, "get")
        assert status == 200, key
        status, got = self("till/snapshot", {"store": store}, "get")
        assert status == 200, got
        verify(got["snapshot"], got["signature"], key["public_key"])
        self.public, self.snapshot = key["public_key"], read(got["snapshot"])
        return self.snapshot

    def age(self, by: dt.timedelta) -> None:
        """As if the snapshot had been fetched so long ago."""
        found = TillSnapshot.objects.get(name=self.snapshot.id)
        found.made_at, found.valid_until = found.made_at - by, found.valid_until - by
        found.save()
        self.snapshot = snapshot_named(found.name, found.till)

    def sold(
        self, number: str, *lines: tuple[str, str | int, int], at: dt.datetime | None = None, points: int = 0,
        card: str = CARD, **more: Any,
    ) -> dict[str, Any]:  # fmt: skip
        """A receipt that it sold by itself, as it will be told."""
        at = at or timezone.now()
        goods = [
            Line(product, "", Decimal(quantity), price) for product, quantity, price in lines or [("cup", 1, 10_000)]
        ]
        judged = judge_offline(self.snapshot, goods, at=at, has_card=bool(card), points=points)
        return {
            "number": number, "store": self.snapshot.store, "card": card, "snapshot": self.snapshot.id,
            "purchased_at": at.isoformat(), "points": judged.points_spent, "paid": judged.to_pay,
            "lines": [{"product_id": one.product, "quantity": str(one.quantity), "price": one.price} for one in goods],
        } | more  # fmt: skip

    def tell(self, *receipts: dict[str, Any], returns: Any = (), more: bool = False) -> list[Any]:
        """What became of each, the returns last."""
        body = {"clock": timezone.now().isoformat(), "more": more, "receipts": receipts, "returns": list(returns)}
        status, answer = self("till/offline", body)
        assert status == 200, answer
        return [*answer["receipts"], *answer["returns"]]

    def told(self, *receipts: dict[str, Any], returns: Any = ()) -> list[Any]:
        """The same, and what became of them when all was written."""
        self.tell(*receipts, returns=returns)
        settle()
        return self.tell(*receipts, returns=returns)


def settle() -> int:
    """The server writes what waits."""
    return write_waiting(timezone.now() + LATER, segments=no_segments)
