"""Invented people for histories that name nobody: always the same person for the same number.

Telephone numbers are of the range 555-0100 to 555-0199, which is kept free for fiction; mail goes to example.com.
"""

import datetime as dt
from dataclasses import dataclass

_WOMEN = (
    "Mary", "Patricia", "Jennifer", "Linda", "Elizabeth", "Barbara", "Susan", "Jessica", "Karen", "Sarah", "Nancy",
    "Lisa", "Margaret", "Betty", "Sandra", "Ashley", "Dorothy", "Kimberly", "Emily", "Donna", "Michelle", "Carol",
    "Amanda", "Melissa", "Deborah", "Stephanie", "Rebecca", "Laura", "Sharon",
)  # fmt: skip
_MEN = (
    "James", "Robert", "John", "Michael", "David", "William", "Richard", "Joseph", "Thomas", "Charles", "Christopher",
    "Daniel", "Matthew", "Anthony", "Mark", "Donald", "Steven", "Andrew", "Paul", "Joshua", "Kenneth", "Kevin", "Brian",
    "George", "Timothy", "Ronald", "Jason", "Edward", "Jeffrey",
)  # fmt: skip
_FAMILIES = (
    "Adams", "Allen", "Baker", "Bell", "Bennett", "Brooks", "Campbell", "Carter", "Clark", "Collins", "Cooper", "Cox",
    "Davis", "Diaz", "Edwards", "Evans", "Fisher", "Foster", "Garcia", "Gray", "Green", "Hall", "Harris", "Hayes",
    "Hill", "Howard", "Hughes", "Jackson", "Jenkins", "Kelly", "King", "Lewis", "Long", "Martin", "Miller", "Mitchell",
    "Moore", "Morgan", "Murphy", "Myers", "Nelson", "Parker", "Perry", "Peterson", "Phillips", "Powell", "Price",
    "Reed", "Rivera", "Roberts", "Rogers", "Ross", "Russell", "Sanders", "Scott", "Stewart", "Sullivan", "Taylor",
    "Turner", "Walker", "Ward",
)  # fmt: skip
_AREAS = (
    205, 212, 213, 214, 215, 216, 303, 305, 312, 313, 314, 315, 404, 405, 412, 413, 415, 503, 504, 505, 512, 513, 515,
    602, 605, 612, 617, 702, 704, 713, 716, 801, 802, 804, 805, 808, 812, 816,
)  # fmt: skip
_NUMBERS_OF_AN_AREA = 100
_YOUNGEST = dt.date(2000, 12, 31)
_DAYS_OF_BIRTHS = 58 * 365


@dataclass(frozen=True)
class Person:
    """Somebody who does not exist."""

    given_name: str
    family_name: str
    sex: str  # f or m
    birth_date: dt.date
    phone: str  # +1...
    email: str


def person(number: int) -> Person:
    """The person of this number; two numbers below 3,800 never share a telephone."""
    # primes, so that names, families and birthdays do not move together
    is_woman = number * 7919 % 100 < 55
    names = _WOMEN if is_woman else _MEN
    given, family = names[number * 104729 % len(names)], _FAMILIES[number * 1299709 % len(_FAMILIES)]
    area = _AREAS[number // _NUMBERS_OF_AN_AREA % len(_AREAS)]
    return Person(
        given_name=given,
        family_name=family,
        sex="f" if is_woman else "m",
        birth_date=_YOUNGEST - dt.timedelta(days=number * 15485863 % _DAYS_OF_BIRTHS),
        phone=f"+1{area}55501{number % _NUMBERS_OF_AN_AREA:02d}",
        email=f"{given}.{family}.{number}@example.com".lower(),
    )
