"""A till that sells to itself: what an integrator runs against his own server to see that both agree.

It makes members and goods of its own (their codes begin with `SIM-`), sells, repeats, returns, tells things late, and
compares every answer with what it expects. It needs a test installation: the receipts stay there.
"""

import json
import random
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Protocol
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from regulars.core.errors import InputError
from regulars.core.i18n import N_
from regulars.core.i18n import gettext as _

Basket = dict[str, Any]

_PATIENCE = 60  # seconds that it waits when it asks too often


@dataclass(frozen=True)
class Check:
    """One thing that was tried: what, how often, and the first answer that was not as expected."""

    title: str
    times: int
    wrong: str = ""


@dataclass
class Till:
    """A connection with a key for tills; `run` makes its receipt numbers new each time."""

    url: str
    key: str
    store: str
    random: random.Random
    run: str = field(default_factory=lambda: secrets.token_hex(4))
    count: int = 0

    def call(self, path: str, body: Basket | None) -> tuple[int, Any]:
        """Status and answer; waits when it asks too often. `InputError` when it cannot be asked at all.

        Without a body it only reads.
        """
        for _attempt in range(_PATIENCE):
            status, text = self._asked(path, body)
            if status != 429:
                break
            time.sleep(1)
        try:
            answer = json.loads(text)
        except ValueError:
            answer = None
        if status in (401, 403, 429) or status >= 500 or answer is None:
            raise InputError(
                _("{url} answers {status}: {why}").format(
                    url=self.url, status=status, why=text.decode(errors="replace")[:300]
                )
            )
        return status, answer

    def _asked(self, path: str, body: Basket | None) -> tuple[int, bytes]:
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        if not self.url.startswith(("http://", "https://")):
            raise InputError(_("{url!r} is no address of a server: begin with https://").format(url=self.url))
        address = f"{self.url.rstrip('/')}/api/v1/till/{path}"
        try:
            # the scheme was looked at above
            sent = None if body is None else json.dumps(body).encode()
            with urlopen(Request(address, sent, headers), timeout=30) as answer:  # noqa: S310
                return int(answer.status), answer.read()
        except HTTPError as error:
            return error.code, error.read()
        except (URLError, OSError, ValueError) as error:
            raise InputError(_("{url} does not answer: {why}").format(url=self.url, why=error)) from error

    def number(self) -> str:
        """The next number of a receipt."""
        self.count += 1
        return f"SIM-{self.run}-{self.count}"

    def basket(self, card: str) -> Basket:
        """Some goods at some prices."""
        lines = [
            {"product_id": f"SIM-{self.random.randint(1, 9)}", "quantity": str(self.random.randint(1, 4)),
             "price": self.random.randint(100, 90_000)}
            for _line in range(self.random.randint(1, 5))
        ]  # fmt: skip
        return {"store": self.store, "card": card, "lines": lines}

    def sold(self, card: str) -> tuple[Basket, Any]:
        """A receipt that went well: what was sent, and the answer."""
        basket = self.basket(card)
        quote = self.good("quote", basket)
        sent = basket | {"number": self.number(), "to_pay": quote["to_pay"]}
        return sent, self.good("receipts", sent)

    def member(self, phone: str = "") -> str:
        """The card of a new member."""
        card = f"SIM{self.run}{self.random.randint(10**6, 10**7)}".upper()
        self.good("members", {"card": card, "name": "Simulator"} | ({"phone": phone} if phone else {}))
        return card

    def balance(self, card: str) -> int:
        """His points less his debt."""
        found = self.good("member", {"card": card})["balance"]
        return int(found["available"] + found["pending"] - found["debt"])

    def good(self, path: str, body: Basket | None) -> Any:
        """The answer to something that must go well."""
        status, answer = self.call(path, body)
        if status != 200:
            raise Unexpected(f"{path}: {status} {answer}")
        return answer


class Unexpected(Exception):
    """An answer that should have been another one."""


class Alone(Protocol):
    """How a till judges without a line: it reads a signed snapshot, and says what a basket costs."""

    def read(self, answer: Any, key: str) -> Any:
        """The snapshot of the server's answer; `InputError` when the signature is not of this key."""

    def judge(self, snapshot: Any, basket: Basket, at: datetime) -> Basket:
        """What to tell of the basket: `paid` and `points`."""


def simulate(till: Till, times: int, alone: Alone | None = None, certificates: Sequence[str] = ()) -> Iterator[Check]:
    """Try each thing so many times; with `alone` also what a till sells without a line.

    Of `certificates`, numbers for the printer, each try sells one that was not sold yet.
    """
    for title, attempt in _ATTEMPTS.items():
        yield _tried(title, partial(attempt, till), times)
    if alone is not None:
        for title, lonely in _ALONE.items():
            yield _tried(title, partial(lonely, till, alone), times)
    if certificates:
        unsold = _unsold(till, certificates)
        yield _tried(
            N_("A certificate is sold, pays, and gets back what it paid"), lambda: _certificate(till, unsold), times
        )
    # once: whoever tries cards that nobody has is made to wait
    yield _tried(N_("A card that nobody has is no member's"), partial(_stranger, till), 1)


def _tried(title: str, attempt: Callable[[], None], times: int) -> Check:
    for done in range(times):
        try:
            attempt()
        except (Unexpected, KeyError, TypeError) as error:
            return Check(title, done + 1, str(error)[:500] or type(error).__name__)
    return Check(title, times)


def _expect(found: object, wanted: object, what: str) -> None:
    if found != wanted:
        raise Unexpected(f"{what}: {found!r}, not {wanted!r}")


def _sum_of_lines(till: Till) -> None:
    basket = till.basket(till.member())
    quote = till.good("quote", basket)
    for name in ("price", "discount", "by_points", "to_pay", *_PRINTED):
        _expect(quote[name], sum(line[name] for line in quote["lines"]), name)
    _expect(quote["to_pay"], quote["price"] - quote["discount"] - quote["by_points"], "to_pay")


_PRINTED = ("price_to_print", "paid_by_points")


def _expect_printed(answer: Any, paid: int) -> None:
    """On a fiscal receipt the price is what was paid, with points among it where they are a payment."""
    points = answer["by_points"] if answer["points_as"] == "payment" else 0
    _expect([answer[name] for name in _PRINTED], [paid + points, points], "what the fiscal receipt says")


def _fiscal(till: Till) -> None:
    card = till.member()
    till.sold(card)
    basket = till.basket(card)
    quote = till.good("quote", basket)
    if quote["most_points"]:
        basket["points"] = quote["most_points"]
        quote = till.good("quote", basket)
    _expect_printed(quote, quote["to_pay"])
    sent = basket | {"number": till.number(), "to_pay": quote["to_pay"]}
    sale = till.good("receipts", sent)
    _expect_printed(sale, sale["to_pay"])
    printed = dict.fromkeys(_PRINTED, 0)
    for place in range(1, len(basket["lines"]) + 1):
        back = {"number": till.number(), "receipt": sent["number"], "lines": [{"line": place, "quantity": "1"}]}
        _add(printed, till.good("returns", back))
    if any(line["quantity"] != "1" for line in basket["lines"]):
        _add(printed, till.good("returns", {"number": till.number(), "receipt": sent["number"]}))
    _expect(printed, {name: sale[name] for name in _PRINTED}, "what the fiscal receipts of the returns say")


def _add(printed: dict[str, int], back: Any) -> None:
    together = back["refund"] + back["to_certificates"] + back["paid_by_points"]
    _expect(back["price_to_print"], together, "what is given back")
    for name in _PRINTED:
        _expect(back[name], sum(line[name] for line in back["lines"]), name)
        printed[name] += back[name]


def _orders(till: Till) -> None:
    """Points that wait for an order: nobody else spends them, and a receipt does."""
    card = till.member()
    till.sold(card)
    has = till.good("member", {"card": card})["balance"]["available"]
    if not has:
        return  # these rules give no points that can be spent at once
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    dropped = {"number": till.number(), "card": card, "points": has, "until": until}
    held = till.good("holds", dropped)
    _expect(till.call("holds", dropped), (200, held), "the same points set aside again")
    _expect(till.call("holds", dropped | {"number": till.number()})[0], 409, "points that are set aside already")
    _expect(till.good("quote", till.basket(card))["most_points"], 0, "points that others can spend")
    _expect(till.good("holds/release", {"number": dropped["number"]})["state"], "released", "an order that is dropped")
    paid = dropped | {"number": till.number()}
    till.good("holds", paid)
    basket = till.basket(card) | {"hold": paid["number"]}
    quote = till.good("quote", basket)
    sale = till.good("receipts", basket | {"number": till.number(), "to_pay": quote["to_pay"]})
    _expect(sale["points_spent"], quote["points_spent"], "points spent of those set aside")
    state = "spent" if sale["points_spent"] else "released"
    _expect(till.good("holds", paid)["state"], state, "points of an order that is paid")
    _expect(till.balance(card), has - sale["points_spent"] + sale["points_earned"], "points after the order")


def _clock(till: Till) -> None:
    behind = (datetime.now(UTC) - timedelta(hours=3)).isoformat()
    basket = till.basket(till.member())
    _expect(till.call("quote", basket | {"purchased_at": behind, "clock": behind})[0], 400, "a clock that is off")
    quote = till.good("quote", basket | {"clock": datetime.now(UTC).isoformat()})
    sent = basket | {"number": till.number(), "to_pay": quote["to_pay"]}
    sale = till.good("receipts", sent | {"clock": datetime.now(UTC).isoformat()})
    again = sent | {"clock": (datetime.now(UTC) + timedelta(seconds=1)).isoformat()}
    _expect(till.call("receipts", again), (200, sale), "the same receipt with a later clock")


def _points(till: Till) -> None:
    card = till.member()
    _sent, sale = till.sold(card)
    _expect(till.balance(card), sale["points_earned"], "points")


def _repetition(till: Till) -> None:
    card = till.member()
    sent, sale = till.sold(card)
    _expect(till.call("receipts", sent), (200, sale), "the same receipt again")
    _expect(till.call("receipts", sent | {"store": f"{till.store} "})[0], 422, "another receipt of that number")
    _expect(till.balance(card), sale["points_earned"], "points after a repetition")


def _another_sum(till: Till) -> None:
    basket = till.basket(till.member())
    quote = till.good("quote", basket)
    status, answer = till.call("receipts", basket | {"number": till.number(), "to_pay": quote["to_pay"] + 1})
    _expect((status, answer.get("quote", {}).get("to_pay")), (409, quote["to_pay"]), "another sum")


def _returns(till: Till) -> None:
    card = till.member()
    sent, sale = till.sold(card)
    units = [place for place, line in enumerate(sent["lines"], start=1) for _unit in range(int(line["quantity"]))]
    till.random.shuffle(units)
    refund = 0
    for place in units:
        back = {"number": till.number(), "receipt": sent["number"], "lines": [{"line": place, "quantity": "1"}]}
        done = till.good("returns", back)
        _expect(till.call("returns", back), (200, done), "the same return again")
        refund += done["refund"]
    _expect(refund, sale["to_pay"], "money back")
    _expect(till.balance(card), 0, "points after everything came back")
    _expect(till.call("returns", {"number": till.number(), "receipt": sent["number"]})[0], 400, "a return of nothing")


def _void(till: Till) -> None:
    card = till.member()
    sent, sale = till.sold(card)
    void = {"number": till.number(), "receipt": sent["number"]}
    done = till.good("voids", void)
    _expect(till.call("voids", void), (200, done), "the same cancellation again")
    _expect(done["refund"], sale["to_pay"], "money back")
    _expect(till.balance(card), 0, "points after the receipt was cancelled")


def _spending(till: Till) -> None:
    card = till.member()
    _sent, first = till.sold(card)
    basket = till.basket(card)
    most = till.good("quote", basket)["most_points"]
    quote = till.good("quote", basket | {"points": most})
    _expect(quote["points_spent"], most, "points spent")
    sale = till.good("receipts", basket | {"points": most, "number": till.number(), "to_pay": quote["to_pay"]})
    _expect(till.balance(card), first["points_earned"] - most + sale["points_earned"], "points after spending")


def _by_phone(till: Till) -> None:
    """Anybody can say a phone: it earns, and spends nothing."""
    phone = f"+7999{till.random.randint(10**6, 10**7 - 1)}"
    card = till.member(phone)
    _sent, first = till.sold(card)
    basket = till.basket("") | {"phone": phone}
    quote = till.good("quote", basket)
    _expect(quote["most_points"], 0, "points to spend by the phone")
    told = basket | {"number": till.number(), "to_pay": quote["to_pay"]}
    _expect(till.call("receipts", told | {"points": 1})[0], 409, "points spent by the phone")
    sale = till.good("receipts", told)
    _expect(till.balance(card), first["points_earned"] + sale["points_earned"], "points earned by the phone")


def _offline(till: Till) -> None:
    card = till.member()
    baskets = [till.basket(card) for _receipt in range(3)]
    receipts = [
        basket | {"number": till.number(), "to_pay": till.good("quote", basket)["to_pay"]} for basket in baskets
    ]
    returns = [{"number": till.number(), "receipt": one["number"]} for one in receipts]
    early = till.good("batch", {"returns": returns})
    _expect([one["back"]["state"] for one in early["returns"]], ["waits"] * 3, "returns before their receipts")
    till.random.shuffle(receipts)
    for _time in range(2):
        clock = datetime.now(UTC).isoformat()
        told = till.good("batch", {"clock": clock, "receipts": receipts, "returns": returns})
        # rules that look at earlier purchases may make it cost another sum by now
        unwritten = [one["detail"] for one in told["receipts"] if one["sale"] is None]
        _expect(unwritten, [], "receipts that were told late")
        _expect({one["back"]["state"] for one in told["returns"]}, {"done"}, "returns that were told early")
    _expect(till.balance(card), 0, "points in the end")


def _unsold(till: Till, numbers: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Certificates that can be sold, each with its value; what is of another run is passed over."""
    for number in numbers:
        found = till.good("certificates/find", {"certificate": number})
        if found["state"] == "printed":
            yield number, found["amount"]


def _certificate(till: Till, unsold: Iterator[tuple[str, int]]) -> None:
    number, amount = next(unsold, ("", 0))
    if not number:
        raise Unexpected(_("no certificate of the file is left to be sold: make others"))
    sale = {"number": till.number(), "certificates": [number]}
    _expect(till.call("certificates/sell", sale | {"paid": amount + 1})[0], 409, "a certificate for another sum")
    sold = till.good("certificates/sell", sale | {"paid": amount})
    _expect(till.call("certificates/sell", sale | {"paid": amount}), (200, sold), "the same certificate sold again")
    _expect(_left(till, number), amount, "what is on a new certificate")
    basket = till.basket(till.member()) | {"certificates": [number]}
    quote = till.good("quote", basket)
    pays = min(amount, quote["to_pay"])
    _expect((quote["by_certificates"], quote["in_money"]), (pays, quote["to_pay"] - pays), "what a certificate pays")
    paid = basket | {"number": till.number(), "to_pay": quote["to_pay"], "in_money": quote["in_money"]}
    receipt = till.good("receipts", paid)
    _expect(till.call("receipts", paid), (200, receipt), "the same receipt again")
    _expect(_left(till, number), amount - pays, "what is left on the certificate")
    back = {"number": till.number(), "receipt": paid["number"]}
    done = till.good("returns", back)
    _expect((done["refund"], done["to_certificates"]), (quote["in_money"], pays), "where the money goes back")
    _expect(till.call("returns", back), (200, done), "the same return again")
    _expect(_left(till, number), amount, "what is on the certificate after the return")


def _left(till: Till, number: str) -> int:
    return int(till.good("certificates/find", {"certificate": number})["balance"])


def _same_sums(till: Till, alone: Alone) -> None:
    """Of a basket without a card all is known to both."""
    snapshot = _fetched(till, alone)
    basket = till.basket("")
    quote, judged = till.good("quote", basket), alone.judge(snapshot, basket, datetime.now(UTC))
    _expect(judged["paid"], quote["to_pay"], "what a stranger pays, alone and with a line")


def _told_later(till: Till, alone: Alone) -> None:
    """Receipts and returns, in any order, in parts, twice; whether they are written at once or soon is no matter."""
    snapshot = _fetched(till, alone)
    card, at = till.member(), datetime.now(UTC)
    receipts: list[Basket] = []
    for _receipt in range(4):
        basket = till.basket(card)
        named = {"number": till.number(), "snapshot": snapshot.id, "purchased_at": at.isoformat()}
        receipts.append(basket | alone.judge(snapshot, basket, at) | named)
    returns = [{"number": till.number(), "receipt": receipts[0]["number"], "returned_at": at.isoformat()}]
    for part in (receipts[2:], receipts[:2], receipts[::-1]):
        till.random.shuffle(part)
        _tell(till, part, [], more=True)
    told = _tell(till, receipts, returns, more=False)
    for _second in range(_PATIENCE * 3):
        if all(one["state"] != "waits" for one in told):
            break
        time.sleep(1)
        # says nothing new, and so does not make the server wait for more
        told = _tell(till, receipts, returns, more=False)
    _expect({one["state"] for one in told}, {"written"}, "what became of it")
    paid = {one["number"]: one["paid"] for one in receipts}
    _expect({one["number"]: one["sale"]["to_pay"] for one in told[:-1]}, paid, "what was paid")
    before = till.balance(card)
    _expect(_tell(till, receipts[::-1], returns, more=False)[-1], told[-1], "the same return again")
    _expect(till.balance(card), before, "points after all was told again")


def _fetched(till: Till, alone: Alone) -> Any:
    query = urlencode({"store": till.store})
    return alone.read(till.good(f"snapshot?{query}", None), till.good("snapshot/key", None)["public_key"])


def _tell(till: Till, receipts: list[Basket], returns: list[Basket], *, more: bool) -> list[Any]:
    told = {"clock": datetime.now(UTC).isoformat(), "more": more, "receipts": receipts, "returns": returns}
    answer = till.good("offline", told)
    refused = [one["detail"] for one in (*answer["receipts"], *answer["returns"]) if one["state"] == "refused"]
    _expect(refused, [], "refused")
    return [*answer["receipts"], *answer["returns"]]


def _stranger(till: Till) -> None:
    _expect(till.call("quote", till.basket(f"NOBODY{secrets.token_hex(4)}"))[0], 404, "a card that nobody has")


_ATTEMPTS: dict[str, Callable[[Till], None]] = {
    N_("The sums are those of their lines"): _sum_of_lines,
    N_("A receipt gives the points that it promised"): _points,
    N_("A receipt told twice is written once"): _repetition,
    N_("Another sum is answered with the right one"): _another_sum,
    N_("Points pay for goods"): _spending,
    N_("Fiscal receipts add up, also of goods that come back"): _fiscal,
    N_("Points wait for an order, and its receipt spends them"): _orders,
    N_("A clock that is off is told so"): _clock,
    N_("By the phone points are earned and not spent"): _by_phone,
    N_("Goods come back in any parts, and in the end all of it"): _returns,
    N_("A receipt that was a mistake is cancelled whole"): _void,
    N_("What happened offline is told in any order, twice"): _offline,
}

_ALONE: dict[str, Callable[[Till, Alone], None]] = {
    N_("A till without a line comes to the same sums"): _same_sums,
    N_("What was sold without a line is told in any order and parts, twice"): _told_later,
}
