"""Everything that can be done on the card: each is one press, and each says what happened."""

import datetime as dt

from django.http import Http404
from django.shortcuts import get_object_or_404

from regulars.accounts.models import User
from regulars.accounts.rights import Right
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.core.money import read_money
from regulars.customers.models import Contact, Customer, Relation
from regulars.customers.selectors.search import find_customers
from regulars.customers.services import consents, contacts, customers
from regulars.customers.services.fields import set_own_fields
from regulars.foundation.models import Business
from regulars.loyalty import cards, gifts
from regulars.loyalty.correcting import correct
from regulars.loyalty.holders import set_holder
from regulars.loyalty.members import give_virtual_card
from regulars.loyalty.models import Correction, Privilege, Reward
from regulars.loyalty.privileges import end_privilege, give_privilege
from regulars.web.access import Request
from regulars.web.customers.access import card_action
from regulars.web.sign_in import address_of

_LONGEST_NUMBER = 15


@card_action(Right.EDIT_CUSTOMERS, "contacts")
def add_contact(request: Request, customer: Customer) -> str:
    """One more way to reach him."""
    kind = request.POST.get("kind", "")
    if kind not in Contact.Kind.values:
        raise InputError(_("Choose what it is: a phone, an e-mail, a card."))
    if kind == Contact.Kind.CARD:
        cards.check_to_give(request.POST.get("value", ""))
    contacts.add_contact(
        customer, kind=kind, written=request.POST.get("value", ""), label=request.POST.get("label", ""), by=request.user
    )
    return _("Saved.")


@card_action(Right.EDIT_CUSTOMERS, "contacts")
def remove_contact(request: Request, customer: Customer, contact_id: int) -> str:
    """One less."""
    contacts.remove_contact(get_object_or_404(customer.contacts, pk=contact_id), by=request.user)
    return _("Removed.")


@card_action(Right.EDIT_CUSTOMERS, "contacts")
def main_contact(request: Request, customer: Customer, contact_id: int) -> str:
    """The one to use first."""
    contacts.make_main(get_object_or_404(customer.contacts, pk=contact_id), by=request.user)
    return _("Saved.")


@card_action(Right.EDIT_CUSTOMERS, "contacts")
def mark_contact(request: Request, customer: Customer, contact_id: int) -> str:
    """It works, or it does not."""
    contact = get_object_or_404(customer.contacts, pk=contact_id)
    contacts.mark_contact(contact, is_valid=request.POST.get("works") == "yes", by=request.user)
    return _("Saved.")


@card_action(Right.EDIT_CUSTOMERS, "consents")
def record_consent(request: Request, customer: Customer) -> str:
    """What he said about a purpose and a channel; who agrees has been read the text that the card showed."""
    is_given, shown = request.POST.get("given") == "yes", request.POST.get("text", "")
    consents.record_consent(
        customer,
        purpose=shown.partition("/")[0],
        channel=request.POST.get("channel", ""),
        is_given=is_given,
        text_version=consents.text_read(shown).version if is_given else None,
        source=request.POST.get("source", ""),
        by=request.user,
        proof={"entered": "card"},
    )
    return _("Written down. It holds from now on.")


@card_action(Right.EDIT_CUSTOMERS, "peace")
def leave_in_peace(request: Request, customer: Customer) -> str:
    """Do not disturb."""
    customers.leave_in_peace(
        customer, reason=request.POST.get("reason", ""), until=day_of(request.POST.get("until", "")), by=request.user
    )
    return _("Nobody will disturb him.")


@card_action(Right.EDIT_CUSTOMERS, "peace")
def end_peace(request: Request, customer: Customer) -> str:
    """He may be addressed again."""
    customers.end_peace(customer, by=request.user)
    return _("Saved.")


@card_action(Right.EDIT_CUSTOMERS, "owner")
def set_owner(request: Request, customer: Customer) -> str:
    """Whose customer he is. Who sees only his own cannot give one away into the dark."""
    chosen = request.POST.get("owner", "")
    owner = User.objects.filter(pk=int(chosen)).first() if chosen.isascii() and chosen.isdigit() else None
    if request.user.role.own_customers_only and owner not in (None, request.user):
        raise InputError(_("You can take a customer for yourself or leave him to nobody."))
    customers.set_owner(customer, owner, by=request.user)
    return _("Saved.")


@card_action(Right.EDIT_CUSTOMERS, "tags")
def set_tags(request: Request, customer: Customer) -> str:
    """The words on him."""
    customers.set_tags(customer, request.POST.get("tags", "")[:4000].split(","), by=request.user)
    return _("Saved.")


@card_action(Right.EDIT_CUSTOMERS, "note")
def add_note(request: Request, customer: Customer) -> str:
    """Something to remember."""
    customers.add_note(customer, request.POST.get("text", ""), by=request.user)
    return ""


@card_action(Right.EDIT_CUSTOMERS, "note")
def edit_note(request: Request, customer: Customer, note_id: int) -> str:
    """Said better, by whoever wrote it."""
    customers.edit_note(get_object_or_404(customer.notes, pk=note_id), request.POST.get("text", ""), by=request.user)
    return _("Saved.")


@card_action(Right.EDIT_CUSTOMERS, "note")
def remove_note(request: Request, customer: Customer, note_id: int) -> str:
    """Taken back by whoever wrote it."""
    customers.delete_note(get_object_or_404(customer.notes, pk=note_id), by=request.user)
    return _("Removed. The history of changes keeps what it said.")


@card_action(Right.EDIT_CUSTOMERS, "relations")
def relate(request: Request, customer: Customer) -> str:
    """Whom he belongs together with: somebody found by his name or phone, or a name alone."""
    kind, words = request.POST.get("kind", ""), request.POST.get("other", "").strip()
    if kind not in Relation.Kind.values:
        raise InputError(_("Choose how they belong together."))
    other = _one_found(request, words) if words else None
    customers.relate(
        customer, kind=kind, other=other, name=request.POST.get("name", ""), by=request.user,
        birth_date=day_of(request.POST.get("birth_date", "")), note=request.POST.get("note", ""),
    )  # fmt: skip
    return _("Saved.")


@card_action(Right.EDIT_CUSTOMERS, "relations")
def unrelate(request: Request, customer: Customer, relation_id: int) -> str:
    """They do not belong together."""
    relation = get_object_or_404(Relation, pk=relation_id)
    if customer.pk not in (relation.customer_id, relation.other_id):
        raise Http404
    customers.unrelate(relation, by=request.user)
    return _("Removed.")


@card_action(Right.EDIT_CUSTOMERS, "privileges")
def privilege(request: Request, customer: Customer) -> str:
    """He has shown that he is a pensioner, a student, an employee of a company."""
    give_privilege(
        customer, name=request.POST.get("name", ""), proof=request.POST.get("proof", ""),
        until=day_of(request.POST.get("until", "")), by=request.user,
    )  # fmt: skip
    return _("Saved.")


@card_action(Right.EDIT_CUSTOMERS, "privileges")
def no_privilege(request: Request, customer: Customer, privilege_id: int) -> str:
    """He has it no more."""
    end_privilege(get_object_or_404(Privilege, pk=privilege_id, customer=customer), by=request.user)
    return _("Removed.")


@card_action(Right.CORRECT_POINTS, "points")
def correct_points(request: Request, customer: Customer) -> str:
    """Points that somebody gives or takes by hand."""
    typed = request.POST.get("points", "").strip().removeprefix("+")
    if not typed.isascii() or not typed.isdigit() or len(typed) > _LONGEST_NUMBER:
        raise InputError(_("{value!r} is no number of points. Write a whole one such as 100.").format(value=typed[:40]))
    points = -int(typed) if request.POST.get("way") == "take" else int(typed)
    made = correct(
        customer, points, reason=request.POST.get("reason", ""), key=request.POST.get("key", ""), by=request.user,
        address=address_of(request),
    )  # fmt: skip
    if made.state == Correction.State.WAITING:
        return _("Nothing has changed yet: another person has to agree on the page “Review”.")
    return _("Done.")


@card_action(Right.RECORD_PURCHASES, "gifts")
def take_gift(request: Request, customer: Customer, gift_id: int) -> str:
    """A gift for his points. The card drew a number: pressed twice, it takes one."""
    number, points = request.POST.get("number", ""), request.POST.get("points", "")
    if not (8 <= len(number) <= 64 and number.isascii() and number.isalnum() and points.isascii() and points.isdigit()):
        raise InputError(_("Open the card again and choose the gift."))
    wish = gifts.Wish(
        _by(request), number, gift_id, int(points[:18]), cashier=request.user.name[:200],
        is_handed_out=request.POST.get("handed") == "yes",
    )  # fmt: skip
    return _("Taken: {gift}.").format(gift=gifts.take(customer, wish).gift)


@card_action(Right.RECORD_PURCHASES, "gifts")
def hand_out_gift(request: Request, customer: Customer, reward_id: int) -> str:
    """He has it in his hands."""
    reward = get_object_or_404(Reward, pk=reward_id, customer=customer)
    gifts.hand_out(reward, who=_by(request), number=request.POST.get("number", "")[:200])
    return _("Handed out.")


@card_action(Right.RECORD_PURCHASES, "gifts")
def cancel_gift(request: Request, customer: Customer, reward_id: int) -> str:
    """The points go back to him, the gift to the stock."""
    gifts.cancel(get_object_or_404(Reward, pk=reward_id, customer=customer), who=_by(request))
    return _("Cancelled. The points are his again.")


def _by(request: Request) -> str:
    return f"user:{request.user.pk}"


@card_action(Right.EDIT_CUSTOMERS, "cards")
def virtual_card(request: Request, customer: Customer) -> str:
    """A card without plastic."""
    give_virtual_card(customer, by=request.user)
    return _("He has a new card.")


@card_action(Right.EDIT_CUSTOMERS, "cards")
def block_card(request: Request, customer: Customer, contact_id: int) -> str:
    """Tills refuse it from now on."""
    cards.block(_card(customer, contact_id), reason=request.POST.get("reason", ""), by=request.user)
    return _("The card is blocked. His points stay.")


@card_action(Right.EDIT_CUSTOMERS, "cards")
def unblock_card(request: Request, customer: Customer, contact_id: int) -> str:
    """It was found again."""
    cards.unblock(_card(customer, contact_id), by=request.user)
    return _("The card works again.")


@card_action(Right.EDIT_CUSTOMERS, "cards")
def hold_card(request: Request, customer: Customer, contact_id: int) -> str:
    """Who holds this card of the company, and his limits of a month."""
    typed, currency = request.POST, Business.current().currency
    turnover, points = (typed.get(name, "").strip() for name in ("turnover", "points"))
    if points and not (points.isascii() and points.isdigit() and len(points) < 14):
        raise InputError(_("{value!r} is no whole number.").format(value=points[:40]))
    set_holder(
        _card(customer, contact_id), name=typed.get("holder", ""), by=request.user,
        most_turnover=read_money(turnover, currency) if turnover else None, most_points=int(points) if points else None,
    )  # fmt: skip
    return _("Saved.")


@card_action(Right.EDIT_CUSTOMERS, "cards")
def replace_card(request: Request, customer: Customer, contact_id: int) -> str:
    """Another one for it: that which was scanned, or one without plastic."""
    cards.replace(_card(customer, contact_id), request.POST.get("number", ""), by=request.user)
    return _("The new card works, the old one does not any more. His points stay.")


def _card(customer: Customer, contact_id: int) -> Contact:
    return get_object_or_404(Contact, pk=contact_id, customer=customer, kind=Contact.Kind.CARD)


@card_action(Right.EDIT_CUSTOMERS, "own_fields")
def own_fields(request: Request, customer: Customer) -> str:
    """The business's own fields."""
    names = [name.removeprefix("own-") for name in request.POST if name.startswith("own-")]
    typed = {
        name: values if len(values := [v for v in request.POST.getlist(f"own-{name}") if v]) > 1 else "".join(values)
        for name in names
    }
    set_own_fields(customer, typed, by=request.user)
    return _("Saved.")


def day_of(text: str) -> dt.date | None:
    """A day of a form; nothing when it is empty."""
    if not text:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise InputError(_("{value!r} is no date such as 2026-03-31.").format(value=text[:40])) from None


def _one_found(request: Request, words: str) -> Customer:
    if words.startswith("#") and words[1:].isascii() and words[1:].isdigit():
        found = list(Customer.objects.whole().seen_by(request.user).filter(pk=int(words[1:][:18])))
    else:
        found = find_customers(words, request.user, limit=3)
    if len(found) != 1:
        raise InputError(
            _("{words!r} fits several customers: write the phone or the number behind #.").format(words=words[:100])
            if found
            else _("Nobody is found by {words!r}.").format(words=words[:100])
        )
    return found[0]
