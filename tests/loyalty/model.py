"""The ledger again, as simple as it can be said: lists of lots in Python. What the real one must agree with."""

from dataclasses import dataclass, field


class No(Exception):
    """The model refuses, with the same code as the ledger."""


@dataclass
class Lot:
    """Points that came together."""

    owner: str
    born_in: str
    remaining: int
    available_at: int
    expires_at: int | None
    held: int = 0
    expired: int = 0
    origin: "Lot | None" = None

    def is_over(self, now: int) -> bool:
        return self.expires_at is not None and self.expires_at <= now


@dataclass
class Sale:
    """What one sale spent, lot by lot in the order of use, and what it granted."""

    owner: str
    spent: list[tuple[Lot, int]] = field(default_factory=list)
    granted: int = 0
    settled: int = 0
    voided: int = 0


@dataclass
class Model:
    """All customers of one unit; time is a whole number of hours."""

    debt_limit: int
    lots: list[Lot] = field(default_factory=list)
    debts: dict[str, int] = field(default_factory=dict)
    sales: dict[str, Sale] = field(default_factory=dict)
    holds: dict[str, list[tuple[Lot, int]]] = field(default_factory=dict)
    books: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("issued", "redeemed", "expired", "void"), 0))

    def sale(
        self, name: str, owner: str, *, spend: int, grant: int, now: int, available: int, expires: int | None
    ) -> None:
        if name in self.sales:
            raise No("written_before")
        sale = Sale(owner)
        if spend:
            free = self.spendable(owner, now)
            if sum(one.remaining - one.held for one in free) < spend:
                raise No("not_enough")
            for lot in free:
                part = min(spend - sum(points for _lot, points in sale.spent), lot.remaining - lot.held)
                if part:
                    lot.remaining -= part
                    sale.spent.append((lot, part))
            self.books["redeemed"] += spend
        if grant:
            self.books["issued"] += grant
            sale.granted = grant
            paid = min(grant, self.debts.get(owner, 0))
            self.debts[owner] = self.debts.get(owner, 0) - paid
            if grant > paid:
                self.lots.append(Lot(owner, name, grant - paid, available, expires))
        self.sales[name] = sale

    def give_back(self, name: str, points: int, *, now: int, late_until: int | None) -> None:
        sale = self.sales[name]
        if sum(amount for _lot, amount in sale.spent) < points:
            raise No("more_than_spent")
        rest, left = points, []
        for lot, amount in reversed(sale.spent):
            part = min(rest, amount)
            rest -= part
            if amount > part:
                left.append((lot, amount - part))
            if not part:
                continue
            if lot.is_over(now) and late_until is not None and late_until > now:
                self.lots.append(Lot(lot.owner, "", part, now, late_until, origin=lot))
            elif lot.is_over(now):
                self.books["expired"] += part
                lot.expired += part
            else:
                lot.remaining += part
        sale.spent = left[::-1]
        self.books["redeemed"] -= points

    def take_back(self, name: str, points: int, *, now: int) -> None:
        sale = self.sales[name]
        if sale.granted - sale.settled < points:
            raise No("more_than_granted")
        own = [lot for lot in self.lots if lot.born_in == name]
        rest, taken = points, 0
        for lot in own:
            part = min(rest, lot.remaining - lot.held)
            lot.remaining -= part
            rest, taken = rest - part, taken + part
        rest -= min(rest, max(0, sum(lot.expired for lot in own) - (sale.settled - sale.voided)))
        for lot in sorted(
            (one for one in self.lots if one.owner == sale.owner and not one.is_over(now)), key=self._order
        ):
            part = min(rest, lot.remaining - lot.held)
            lot.remaining -= part
            rest, taken = rest - part, taken + part
        owed = min(rest, self.debt_limit - self.debts.get(sale.owner, 0))
        self.debts[sale.owner] = self.debts.get(sale.owner, 0) + owed
        rest -= owed
        for key in [key for key, parts in reversed(self.holds.items()) if parts[0][0].owner == sale.owner]:
            if not rest:
                break
            parts = self.holds[key]
            self.release(key)
            for lot, _part in parts:
                part = min(rest, lot.remaining - lot.held)
                lot.remaining -= part
                rest, taken = rest - part, taken + part
        sale.settled += points
        sale.voided += taken + owed
        self.books["void"] += taken + owed

    def expire(self, owner: str, now: int) -> None:
        over = [one for one in self.lots if one.owner == owner and one.is_over(now) and one.remaining > one.held]
        if not over:
            raise No("nothing_expired")
        for lot in over:
            self.books["expired"] += lot.remaining - lot.held
            lot.expired += lot.remaining - lot.held
            lot.remaining = lot.held

    def hold(self, key: str, owner: str, points: int, now: int) -> None:
        free = self.spendable(owner, now)
        if sum(one.remaining - one.held for one in free) < points:
            raise No("not_enough")
        parts: list[tuple[Lot, int]] = []
        for lot in free:
            part = min(points - sum(amount for _lot, amount in parts), lot.remaining - lot.held)
            if part:
                lot.held += part
                parts.append((lot, part))
        self.holds[key] = parts

    def release(self, key: str) -> None:
        if key not in self.holds:
            raise No("hold_is_over")
        for lot, part in self.holds.pop(key):
            lot.held -= part

    def capture(self, key: str, points: int | None = None) -> None:
        if key not in self.holds:
            raise No("hold_is_over")
        held = sum(part for _lot, part in self.holds[key])
        rest = held if points is None else points
        if rest > held:
            raise No("not_enough")
        for lot, part in self.holds.pop(key):
            lot.held -= part
            spent = min(rest, part)
            lot.remaining -= spent
            self.books["redeemed"] += spent
            rest -= spent

    def spendable(self, owner: str, now: int) -> list[Lot]:
        free = [one for one in self.lots if one.owner == owner and one.available_at <= now and not one.is_over(now)]
        return sorted(free, key=self._order)

    def balance(self, owner: str, now: int) -> tuple[int, int, int, int]:
        """Available, pending, past their day, debt."""
        mine = [one for one in self.lots if one.owner == owner]
        return (
            sum(one.remaining for one in mine if one.available_at <= now and not one.is_over(now)),
            sum(one.remaining for one in mine if one.available_at > now),
            sum(one.remaining for one in mine if one.is_over(now)),
            self.debts.get(owner, 0),
        )

    def _order(self, lot: Lot) -> tuple[bool, int, int, int]:
        return (lot.expires_at is None, lot.expires_at or 0, lot.available_at, self.lots.index(lot))
