"""Where somebody could earn by turning points round and round. Pure: prices in, sentences out."""

from collections.abc import Sequence

from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.core.money import format_money
from regulars.loyalty.models import Contract, Partner

PER = 1000  # points that a price is for


def refuse_cycle(issue_price: int, redeem_price: int) -> None:
    """A partner that is paid more for a point than it pays gives points to itself and takes them, for ever."""
    if redeem_price > issue_price:
        raise InputError(
            _(
                "1,000 points would cost the partner {issue} and bring it {redeem} minor units: it could earn by "
                "giving points to itself. Pay at most what it pays."
            ).format(issue=issue_price, redeem=redeem_price)
        )


def temptations(contracts: Sequence[Contract], worth: int | None, *, of: Partner | None = None) -> list[str]:
    """What prices that go together invite to. `worth` of a point at a till, in minor units; None: not known.

    Each is a choice that an operator may make knowingly, so none is refused. With `of`: those that this partner has.
    """
    found = []
    meant = {one.partner_id for one in contracts} if of is None else {of.pk}
    for giver in contracts:
        found += [
            _together(giver, taker) for taker in contracts
            if _pay_two(giver, taker) and meant & {giver.partner_id, taker.partner_id}
        ]  # fmt: skip
        if giver.partner_id in meant and worth is not None and worth * PER > giver.issue_price:
            found.append(_alone(giver, worth))
    return found


def _pay_two(giver: Contract, taker: Contract) -> bool:
    return giver.partner_id != taker.partner_id and taker.redeem_price > giver.issue_price


def _together(giver: Contract, taker: Contract) -> str:
    return _(
        "1,000 points cost {giver} {issue} and bring {taker} {redeem}: together they earn by selling to themselves, "
        "and you pay it."
    ).format(
        giver=giver.partner.name, issue=_money(giver.issue_price, giver), taker=taker.partner.name,
        redeem=_money(taker.redeem_price, taker),
    )  # fmt: skip


def _alone(giver: Contract, worth: int) -> str:
    return _(
        "1,000 points cost {giver} {issue} and buy goods for {worth} elsewhere: it could give them to itself and shop "
        "there for less. Limit what it may give in a day, or ask a higher price."
    ).format(giver=giver.partner.name, issue=_money(giver.issue_price, giver), worth=_money(worth * PER, giver))


def _money(amount: int, contract: Contract) -> str:
    return format_money(amount, contract.currency, exact=True)
