"""Finding a customer by any part of what is known of him, in the same few milliseconds whatever the base's size."""

import re
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import prefetch_related_objects

from regulars.accounts.models import User
from regulars.accounts.rights import Right
from regulars.customers.contact_values import national_prefix, region
from regulars.customers.models import Contact, Customer

LONGEST_QUERY = 100
_CANDIDATES = 500
_FEWEST_DIGITS = 4

# the same keys in the two layouts, so that "bdfyjd" finds "иванов" too
_RUSSIAN = "йцукенгшщзхъфывапролджэячсмитьбюё"
_LATIN = "qwertyuiop[]asdfghjkl;'zxcvbnm,.`"
OTHER_LAYOUT = str.maketrans(_RUSSIAN + _LATIN, _LATIN + _RUSSIAN)

# as the database does it with the words that it keeps
_SAME = str.maketrans({"ё": "е", "Ё": "е", "+": None, "\0": None})
_BETWEEN = re.compile(r'[\s,;"«»()]+')
_PHONE_LIKE = re.compile(r"[\d\s()+.\-]+")


@dataclass(frozen=True)
class Reading:
    """One way to understand what was typed: every word must be found."""

    words: tuple[str, ...]

    @property
    def parts(self) -> list[str]:
        """What the index must hold: all three-letter parts; a shorter word begins one of the customer's."""
        found: set[str] = set()
        for word in self.words:
            if len(word) < 3:
                found.add(f"^{word}")
            else:
                found |= {word[place : place + 3] for place in range(len(word) - 2)}
        return sorted(found)

    @property
    def patterns(self) -> list[str]:
        """What the line itself must contain, for LIKE."""
        return [f"%{_literal(word)}%" for word in self.words if len(word) > 2]

    def fits(self, line: str) -> bool:
        """Whether a text has all the words."""
        words = line.split()
        return all(any(one.startswith(word) for one in words) if len(word) < 3 else word in line for word in self.words)


def _literal(word: str) -> str:
    return re.sub(r"([\\%_])", r"\\\1", word)


def typed_words(text: str) -> tuple[str, ...]:
    """The words of a query, as the database keeps words."""
    return tuple(word for word in _BETWEEN.split(text.translate(_SAME).lower()) if word)


def readings(query: str, prefix: str) -> list[Reading]:
    """As typed, as one number, and as the same keys in the other layout."""
    query = query[:LONGEST_QUERY]
    found = [*_numbers(query, prefix), typed_words(query), typed_words(query.lower().translate(OTHER_LAYOUT))]
    return [Reading(words) for words in dict.fromkeys(found) if words]


def _numbers(query: str, prefix: str) -> list[tuple[str, ...]]:
    digits = re.sub(r"\D", "", query)
    if len(digits) < _FEWEST_DIGITS or not _PHONE_LIKE.fullmatch(query):
        return []
    inside = digits.removeprefix(prefix) if prefix and len(digits) > _FEWEST_DIGITS else digits
    return [(digits,), (inside,)]


def find_customers(query: str, user: User, *, limit: int) -> list[Customer]:
    """Whom the query may mean, best first, among those whom the user may see."""
    found: dict[int, Customer] = {}
    for reading in readings(query, national_prefix(region())):
        seen = _seen(_candidates(reading), user)
        if not user.may(Right.SEE_CONTACTS):
            prefetch_related_objects(seen, "contacts")
            seen = [one for one in seen if _found_openly(one, reading)]
        found |= {one.pk: one for one in seen}
        if len(found) >= limit:
            break
    best = sorted(found.values(), key=lambda one: _rank(one, query))
    return best[:limit]


def found_ids(query: str, user: User, *, limit: int = _CANDIDATES) -> list[int]:
    """The same for a list, which has an order of its own."""
    return [one.pk for one in find_customers(query, user, limit=limit)]


@transaction.atomic
def _candidates(reading: Reading) -> list[int]:
    with connection.cursor() as cursor:
        # how many rows hold a part is a guess of the planner's; the index is right whatever it guesses
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            """SELECT id FROM customers_customer
            WHERE search_parts @> %s::text[] AND search_text LIKE ALL (%s::text[]) LIMIT %s""",
            [reading.parts, reading.patterns, _CANDIDATES],
        )
        ids = [int(key) for (key,) in cursor.fetchall()]
        cursor.execute("SET LOCAL enable_seqscan = on")
    return ids


def _seen(ids: list[int], user: User) -> list[Customer]:
    if not ids:
        return []
    return list(Customer.objects.whole().seen_by(user).filter(pk__in=ids).defer("search_text", "search_parts"))


def _found_openly(customer: Customer, reading: Reading) -> bool:
    """Who may not see contacts finds by name, or by a whole contact that he was told: never by a piece of it."""
    name = " ".join(typed_words(f"{customer.name} {customer.family_name} {customer.given_name} {customer.middle_name}"))
    if reading.fits(name):
        return True
    whole = "".join(reading.words)
    return any(_is_told(one, whole) for one in customer.contacts.all())


def _is_told(contact: Contact, whole: str) -> bool:
    value = contact.value.translate(_SAME).lower()
    return value == whole or (contact.kind == Contact.Kind.PHONE and len(whole) >= 10 and value.endswith(whole))


def _rank(customer: Customer, query: str) -> tuple[bool, bool, str, int]:
    wanted = [word for reading in readings(query, "") for word in reading.words]
    name = " ".join(typed_words(customer.name))
    starts = any(name.startswith(word) for word in wanted)
    has_word = any(part.startswith(word) for part in name.split() for word in wanted)
    return (not starts, not has_word, name, customer.pk)
