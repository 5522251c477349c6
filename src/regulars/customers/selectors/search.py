"""Finding a customer by any part of what is known of him, in the same few milliseconds whatever the base's size."""

import re
from dataclasses import dataclass

from django.db import OperationalError, connection, transaction
from django.db.models import Max, TextField, Value
from django.db.models.functions import Concat

from regulars.accounts.models import User
from regulars.accounts.rights import Right
from regulars.customers.contact_values import national_prefix, region
from regulars.customers.models import Contact, Customer
from regulars.customers.models.customer import CustomerSet

LONGEST_QUERY = 100
_POOL = 60  # as many are ranked, whatever the number wanted
_PROBED = 3_000
_PATIENCE_MS = 1_000
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

    def fits(self, line: str) -> bool:
        """Whether a text has all the words."""
        words = line.split()
        return all(any(one.startswith(word) for one in words) if len(word) < 3 else word in line for word in self.words)


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
    names: dict[int, str] = {}
    some = Customer.objects.whole().seen_by(user)
    pool = max(limit, _POOL)
    for reading in readings(query, national_prefix(region())):
        found = _candidates(some, reading, pool)
        names |= found if user.may(Right.SEE_CONTACTS) else _found_openly(found, reading)
        if len(names) >= pool:
            break
    best = sorted(names, key=lambda key: _rank(key, names[key], query))[:limit]
    rows = some.filter(pk__in=best).select_related("owner").defer("search_text", "search_parts").in_bulk()
    return [rows[key] for key in best if key in rows]


def found_ids(query: str, user: User, *, limit: int) -> list[int]:
    """The same for a list, which has an order of its own."""
    return [one.pk for one in find_customers(query, user, limit=limit)]


def _candidates(some: CustomerSet, reading: Reading, pool: int) -> dict[int, str]:
    """Ids and names: of the newest customers when many of them fit, else of all by the index.

    What every second customer has in common would cost the index a walk through half of its rows, only to throw
    them away: such a query is answered by the newest alone. So is one whose parts, though not itself, are in so many
    that looking through them takes longer than a person waits: with another letter or digit it finds the rest.
    """
    newest = Customer.objects.aggregate(last=Max("pk"))["last"] or 0
    recent = some.alias(line=Concat(Value(" "), "search_text", output_field=TextField())).filter(
        pk__gt=newest - _PROBED
    )
    for word in reading.words:
        recent = recent.filter(line__contains=f" {word}" if len(word) < 3 else word)
    found = dict(recent.values_list("pk", "name")[:pool])
    return found if len(found) >= pool else found | _indexed(some, reading, pool)


def _indexed(some: CustomerSet, reading: Reading, pool: int) -> dict[int, str]:
    fitting = some.filter(search_parts__contains=reading.parts)
    for word in reading.words:
        if len(word) >= 3:
            fitting = fitting.filter(search_text__contains=word)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            # how many rows hold a part is a guess of the planner's; the index is right whatever it guesses
            cursor.execute(f"SET LOCAL enable_seqscan = off; SET LOCAL statement_timeout = {_PATIENCE_MS:d}")
            found = dict(fitting.values_list("pk", "name")[:pool])
            cursor.execute("SET LOCAL enable_seqscan = on; SET LOCAL statement_timeout = DEFAULT")
            return found
    except OperationalError:
        return {}


def _found_openly(found: dict[int, str], reading: Reading) -> dict[int, str]:
    """Who may not see contacts finds by name, or by a whole contact that he was told: never by a piece of it."""
    whole = "".join(reading.words)
    told = {contact.customer_id for contact in Contact.objects.filter(customer__in=found) if _is_told(contact, whole)}
    return {key: name for key, name in found.items() if key in told or reading.fits(" ".join(typed_words(name)))}


def _is_told(contact: Contact, whole: str) -> bool:
    value = contact.value.translate(_SAME).lower()
    return value == whole or (contact.kind == Contact.Kind.PHONE and len(whole) >= 10 and value.endswith(whole))


def _rank(key: int, name: str, query: str) -> tuple[bool, bool, str, int]:
    wanted = [word for reading in readings(query, "") for word in reading.words]
    name = " ".join(typed_words(name))
    starts = any(name.startswith(word) for word in wanted)
    has_word = any(part.startswith(word) for part in name.split() for word in wanted)
    return (not starts, not has_word, name, key)
