"""Numbers of cards: a beginning, a serial, and a check digit that finds nearly every slip of the fingers."""

import secrets
from collections.abc import Iterator

EAN13, LUHN = "ean13", "luhn"


def check_digit(body: str, scheme: str) -> str:
    """The last digit of a number that begins like this.

    >>> check_digit("460012345678", "ean13"), check_digit("7992739871", "luhn")
    ('2', '3')
    """
    # both count from the right, where the check digit is missing
    heavy, light = body[::-2], body[-2::-2]
    weighed = 3 * sum(map(int, heavy)) if scheme == EAN13 else sum(_DOUBLED[int(digit)] for digit in heavy)
    return str(-(weighed + sum(map(int, light))) % 10)


_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)  # the sum of the digits of twice the digit


def is_right(number: str, scheme: str) -> bool:
    """Whether a number ends as it must."""
    return number.isascii() and number.isdigit() and check_digit(number[:-1], scheme) == number[-1]


def room(prefix: str, digits: int) -> int:
    """How many numbers there are with this beginning and length."""
    return int(10 ** max(0, digits - len(prefix) - 1))


def number_of(serial: int, *, prefix: str, digits: int, scheme: str) -> str:
    """The card with this serial.

    >>> number_of(7, prefix="290", digits=13, scheme="ean13")
    '2900000000070'
    """
    body = f"{prefix}{serial:0{digits - len(prefix) - 1}d}"
    return body + check_digit(body, scheme)


def drawn(prefix: str, digits: int) -> Iterator[int]:
    """Serials that nobody can guess, without an end."""
    most = room(prefix, digits)
    while True:
        yield secrets.randbelow(most)
