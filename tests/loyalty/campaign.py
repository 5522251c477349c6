"""Millions of operations against the ledger and the simple model side by side: `make ledger-campaign N=2000000`.

Points are earned at tills of partners and spent at those of others, and each day is settled as the model has it.
Everything is drawn from the seed, and the clock is its own, so a run can be repeated. Where both differ, the whole
story of the customer is printed.
"""

import argparse
import copy
import datetime as dt
import random
import time
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.loyalty.campaign_nets import Nets
from tests.loyalty.model import Model, No
from tests.server.installation import Installation

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
BATCH = 500
_ONE_BY_ONE = 0.02  # of the operations: holds are placed and ended singly
_OF_EACH = 60  # operations of one customer, more or less
_LOOKS = 10  # moments to which the end looks back

Books = tuple[dict[str, int], tuple[int, ...]]  # where points went, and what people have


class Differs(AssertionError):
    """The ledger and the model do not agree."""


@dataclass
class Member:
    """One customer: his model, what was done, and what can come back or end."""

    key: int
    model: Model = field(default_factory=lambda: Model(debt_limit=40))
    story: list[str] = field(default_factory=list)
    sales: dict[str, int] = field(default_factory=dict)
    holds: list[str] = field(default_factory=list)

    @property
    def debt(self) -> int:
        """What he owes by the model."""
        return self.model.debts.get("", 0)


@dataclass(frozen=True)
class Deed:
    """One operation: for the model, and as a document of the ledger."""

    member: Member
    name: str
    said: str
    movements: tuple[dict[str, Any], ...]
    kind: str
    of: str | None = None
    refused: str | None = None
    till: str = "campaign"


class Campaign:
    """A number of customers, a clock, and a source of chance."""

    def __init__(self, operations: int, seed: int) -> None:
        from regulars.customers.models import Customer
        from regulars.loyalty.ledger import open_account
        from regulars.loyalty.models import Unit

        self.random, self.operations, self.now, self.count = random.Random(seed), operations, 0, 0
        self.unit = Unit.objects.create(slug="points")
        made = Customer.objects.bulk_create(Customer(name=str(n)) for n in range(max(2, operations // _OF_EACH)))
        self.members = [Member(one.pk) for one in made]
        for one in made:
            open_account(one.pk, self.unit, at=START, debt_limit=40)
        self.refused, self.nets = 0, Nets(self.random, START)
        self.past: dict[int, Books] = {}

    def run(self) -> None:
        """Do it all, and compare."""
        shown, began = self.operations // 10, time.perf_counter()
        while self.count < self.operations:
            self._time_passes(self.random.randint(0, 6))
            self._together()
            for _single in range(int(BATCH * _ONE_BY_ONE)):
                self._single()
            if self.count >= shown:
                self.compare_books()
                print(f"{self.count:,} operations, {time.perf_counter() - began:.0f} s", flush=True)
                shown += self.operations // 10
        self.compare_all()

    def _time_passes(self, hours: int) -> None:
        """Days that are over by then are closed; of some moments is kept what was there before."""
        if hours and self.random.random() < _LOOKS * min(BATCH, len(self.members)) / self.operations:
            self.past[self.now] = self._books(self.now)
        self.now += hours
        if said := self.nets.close(self._at(self.now)):
            raise Differs("\n".join(said))

    def _books(self, now: int) -> Books:
        wanted = {name: sum(one.model.books[name] for one in self.members) for name in self.members[0].model.books}
        return wanted, tuple(map(sum, zip(*(one.model.balance("", now) for one in self.members), strict=True)))

    def _together(self) -> None:
        from regulars.loyalty.ledger import Refused, write

        members = self.random.sample(self.members, min(BATCH, len(self.members), self.operations - self.count))
        deeds = [self._drawn(one) for one in members]
        answers = write([self._document(one) for one in deeds], at=self._at(self.now))
        for deed, answer in zip(deeds, answers, strict=True):
            told = answer.code if isinstance(answer, Refused) else None
            self._check(deed.member, deed.said, deed.refused, told)
            if not isinstance(answer, Refused) and deed.kind == "sale":
                deed.member.sales[deed.name] = answer.transaction

    def _drawn(self, member: Member) -> Deed:
        self.count += 1
        chance, name = self.random.random(), f"n{self.count}"
        if chance < 0.5 or not member.sales:
            return self._sale(member, name)
        if chance < 0.62:
            return self._night(member, name)
        return self._return(member, name)

    def _sale(self, member: Member, name: str) -> Deed:
        from regulars.loyalty.ledger import grant, spend

        spent = self.random.choice((0, 0, self.random.randint(1, 30)))
        granted = self.random.randint(1, 60) if not spent else self.random.choice((0, self.random.randint(1, 60)))
        available = self.now + self.random.choice((0, 0, self.random.randint(1, 40)))
        expires = self.random.choice((None, available + self.random.randint(1, 400)))
        owed, till = member.debt, self.nets.till()
        refused = self._of_model(
            member, lambda model: model.sale(
                name, "", spend=spent, grant=granted, now=self.now, available=available, expires=expires
            )
        )  # fmt: skip
        if refused is None:
            paid = owed - member.debt
            self.nets.sold(name, till, member.key, given=granted, taken=spent, paid=paid, at=self._at(self.now))
        moves = [spend(member.key, spent)] if spent else []
        if granted:
            until = None if expires is None else self._at(expires)
            moves.append(grant(member.key, granted, available_at=self._at(available), expires_at=until))
        said = f"{self.now} h: sale {name} at {till}, spends {spent}, earns {granted} from {available} to {expires}"
        return Deed(member, name, said, tuple(moves), "sale", refused=refused, till=till)

    def _night(self, member: Member, name: str) -> Deed:
        from regulars.loyalty.ledger import expire

        refused = self._of_model(member, lambda model: model.expire("", self.now))
        return Deed(member, name, f"{self.now} h: night", (expire(member.key),), "expiry", refused=refused)

    def _return(self, member: Member, name: str) -> Deed:
        from regulars.loyalty.ledger import give_back, take_back

        of = self.random.choice(list(member.sales))
        given, taken = self.random.choice(((0, 1), (1, 0), (1, 1)))
        given, taken = given * self.random.randint(1, 20), taken * self.random.randint(1, 30)
        late = self.random.choice((None, self.now + self.random.randint(1, 50)))

        def both(model: Model) -> None:
            if given:
                model.give_back(of, given, now=self.now, late_until=late)
            if taken:
                model.take_back(of, taken, now=self.now)

        owed, void = member.debt, member.model.books["void"]
        # the first of two may be done when the second is refused
        refused = self._of_model(member, both, may_be_half_done=bool(given and taken))
        if refused is None:
            void, owed = member.model.books["void"] - void, member.debt - owed
            self.nets.came_back(of, member.key, given=given, void=void, owed=owed, at=self._at(self.now))
        moves = [give_back(given, late_until=None if late is None else self._at(late))] if given else []
        moves += [take_back(taken)] if taken else []
        said = f"{self.now} h: return {name} of {of}, gives back {given} (late until {late}), takes back {taken}"
        return Deed(member, name, said, tuple(moves), "return", of, refused)

    def _single(self) -> None:
        """A hold is placed, or one ends."""
        from regulars.loyalty import ledger

        member, self.count = self.random.choice(self.members), self.count + 1
        key, at = f"h{self.count}", self._at(self.now)
        if not member.holds or self.random.random() < 0.4:
            points = self.random.randint(1, 40)
            refused = self._of_model(member, lambda model: model.hold(key, "", points, self.now))
            told = _refusal(
                lambda: ledger.hold(member.key, self.unit, points, key=key, at=at, until=at + dt.timedelta(1))
            )
            said = f"{self.now} h: hold {key} of {points}"
            if refused is None:
                member.holds.append(key)
        else:
            key = member.holds.pop(self.random.randrange(len(member.holds)))
            is_paid = self.random.random() < 0.5
            refused = self._of_model(member, lambda model: model.capture(key) if is_paid else model.release(key))
            deed = Deed(member, f"n{self.count}", "", (ledger.capture(key),), "capture")
            told = _refusal(
                lambda: ledger.write_one(self._document(deed), at=at) if is_paid else ledger.release(key, at=at)
            )
            said = f"{self.now} h: {'pays' if is_paid else 'releases'} {key}"
        self._check(member, said, refused, told)

    @staticmethod
    def _of_model(member: Member, work: Any, *, may_be_half_done: bool = False) -> str | None:
        before = copy.deepcopy(member.model) if may_be_half_done else member.model
        try:
            work(member.model)
        except No as no:
            member.model = before
            return str(no)
        return None

    def _check(self, member: Member, said: str, expected: str | None, told: str | None) -> None:
        member.story.append(said + (f" -> {told}" if told else ""))
        self.refused += told is not None
        if told != expected:
            self._differ(member, f"the ledger says {told}, the model {expected}")

    def _differ(self, member: Member, what: str) -> None:
        raise Differs("\n".join([f"customer {member.key}: {what}", *member.story]))

    def _document(self, deed: Deed) -> Any:
        from regulars.loyalty.ledger import Document, Kind

        reverses = None if deed.of is None else deed.member.sales[deed.of]
        return Document(self.unit, Kind(deed.kind), deed.till, deed.name, "campaign", deed.movements, reverses=reverses)

    def compare_books(self) -> None:
        """As they are now."""
        self._compare(self.now, *self._books(self.now))

    def _compare(self, hour: int, wanted: dict[str, int], people: tuple[int, ...]) -> None:
        """Issued = available + pending + past their day - debt + redeemed + expired + void, each as models have it."""
        from regulars.loyalty.balances import Balance, position

        found = position(self.unit, at=self._at(hour))
        books = {"issued": found.issued, "redeemed": found.redeemed, "expired": found.expired, "void": found.taken_back}
        if books != wanted or found.outstanding != Balance(*people) or not found.is_balanced:
            raise Differs(f"{hour} h: books {books}, models {wanted}; {found.outstanding}, people have {people}")

    def compare_past(self) -> None:
        """As it was then, and at moments of which nothing is known but that all points are somewhere."""
        from regulars.loyalty.balances import position

        for hour, (wanted, people) in self.past.items():
            self._compare(hour, wanted, people)
        for _look in range(_LOOKS):
            at = START + dt.timedelta(seconds=self.random.uniform(-10, self.now * 3_600 + 10))
            if not position(self.unit, at=at).is_balanced:
                raise Differs(f"at {at} points are missing")

    def compare_all(self) -> None:
        """Every lot and every debt, and every sum and hash of the ledger by itself."""
        from regulars.loyalty.models import Account, Lot
        from regulars.loyalty.verifying import faults

        lots: dict[int, list[Any]] = {}
        columns = ("account__customer", "available_at", "expires_at", "remaining", "held")
        for owner, *rest in Lot.objects.values_list(*columns).iterator():
            lots.setdefault(owner, []).append(tuple(rest))
        debts = dict(Account.objects.values_list("customer", "debt"))
        for member in self.members:
            wanted = [
                (self._at(one.available_at), one.expires_at and self._at(one.expires_at), one.remaining, one.held)
                for one in member.model.lots
            ]
            if sorted(lots.get(member.key, []), key=str) != sorted(wanted, key=str):
                self._differ(member, f"lots {lots.get(member.key)}, model {wanted}")
            if debts[member.key] != member.model.debts.get("", 0):
                self._differ(member, f"debt {debts[member.key]}, model {member.model.debts}")
        self.compare_past()
        self.compare_books()
        if said := self.nets.compare_all():
            raise Differs("\n".join(said))
        if found := faults():
            raise Differs("\n".join(map(str, found)))

    @staticmethod
    def _at(hour: int) -> dt.datetime:
        return START + dt.timedelta(hours=hour)


def _refusal(work: Any) -> str | None:
    from regulars.loyalty.ledger import Refused

    try:
        work()
    except Refused as refused:
        return refused.code
    return None


def main() -> None:
    """A database of its own, one campaign, and what it found."""
    parser = argparse.ArgumentParser(prog="python -m tests.loyalty.campaign")
    parser.add_argument("--operations", type=int, default=2_000_000)
    parser.add_argument("--seed", type=int, default=None)
    given = parser.parse_args()
    seed = random.SystemRandom().randrange(2**32) if given.seed is None else given.seed
    print(f"seed {seed}")
    from regulars.server.application import application
    from regulars.server.config import load

    with TemporaryDirectory(prefix="regulars-test-") as home:
        installation = Installation(Path(home))
        installation.command("init", "--name", "Campaign", "--currency", "EUR", "--time-zone", "Europe/Riga")
        with application(load(installation.environment)):
            campaign = Campaign(given.operations, seed)
            campaign.run()
            print(f"{campaign.count:,} operations of {len(campaign.members):,} customers, {campaign.refused:,} of them")
            print("refused by both: the ledger and the model agree on every lot, debt, book and day of partners")


if __name__ == "__main__":
    main()
