"""How a person is called: the words of his name in the order of the language."""

from regulars.core.i18n import N_, current_language
from regulars.core.i18n import gettext as _
from regulars.customers.models import Customer

# Russian papers and lists begin with the family; English ones end with it
_ORDER = {"ru": ("family_name", "given_name", "middle_name"), "en": ("given_name", "middle_name", "family_name")}
# what somebody is, seen from the other side, or by his name alone
RELATION_NOUNS = {
    "family": N_("family"),
    "parent": N_("parent"),
    "pet": N_("pet"),
    "employee": N_("employee"),
    "dealer": N_("dealer"),
    "other": N_("connected"),
}


def source_name(customer: Customer) -> str:
    """Where he came from, in words: what a program writes is a code, what a person wrote is shown as it is."""
    if customer.source == "import":
        return _("an import")
    return customer.source.removeprefix("api:")


def assembled(family_name: str, given_name: str, middle_name: str, *, language: str) -> str:
    """The words that are there, in the order of the language."""
    words = {"family_name": family_name, "given_name": given_name, "middle_name": middle_name}
    return " ".join(words[part].strip() for part in _ORDER.get(language, _ORDER["en"]) if words[part].strip())


def shown_name(customer: Customer) -> str:
    """What a list or a heading calls him, in the reader's language."""
    if customer.is_person and customer.family_name and customer.given_name:
        return assembled(customer.family_name, customer.given_name, customer.middle_name, language=current_language())
    return (
        customer.name
        or assembled(customer.family_name, customer.given_name, customer.middle_name, language=current_language())
        or f"#{customer.pk}"
    )


def addressed(customer: Customer) -> str:
    """How a letter begins: the given name with the father's in Russian, the given name in English."""
    if not (customer.is_person and customer.given_name):
        return shown_name(customer)
    if current_language() == "ru" and customer.middle_name:
        return f"{customer.given_name} {customer.middle_name}"
    return customer.given_name


def half_name(customer: Customer) -> str:
    """What a page shows that others may see too: the given name and one letter of the family's; empty without any."""
    if not customer.is_person:
        return shown_name(customer)
    given, *others = (customer.given_name or customer.name).split() or [""]
    letter = customer.family_name[:1] if customer.given_name else "".join(others)[:1]
    return f"{given} {letter}." if letter else given
