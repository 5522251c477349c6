"""How long the web server takes for its pages, one request at a time over one connection, as a browser asks.

Every request of a page is for another customer, word or list, so that nothing is answered from what the last one left.
"""

import http.client
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import quantiles
from urllib.parse import quote, urlsplit

from django.test import Client

from bench.application.installation import OWNER, Installation, Program, clocked, value
from bench.application.people import FAMILIES, GIVEN
from regulars.accounts.models import User
from regulars.insights.models import Segment
from regulars.insights.services import save_segment
from regulars.purchases.models import Receipt

REQUESTS = 200
_WARM_UP = 12
_SEED = 20
_BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
EMPTY = "empty page"

_CONDITIONS = {
    "by state and money": [
        {"what": "state", "how": "in", "value": ["lost"]}, {"what": "amount", "how": "at_least", "value": 500},
    ],
    "by consent": [
        {"what": "consent", "how": "given", "purpose": "news", "channel": "sms"},
        {"what": "visits", "how": "at_least", "value": 3},
    ],
    "by what was bought": [
        {"what": "bought", "how": "at_least", "measure": "receipts", "of": "category", "which": "C7", "value": 2},
    ],
    "by what was not bought": [
        {"what": "bought", "how": "at_most", "measure": "amount", "of": "anything", "value": 100, "days": 800},
    ],
    "by name and tag": [
        {"what": "tag", "how": "not_in", "value": ["Tag 10"]}, {"what": "source", "how": "contains", "value": "import"},
        {"what": "birthday", "how": "within", "value": 7},
    ],
    "that nobody fits": [
        {"what": "amount", "how": "at_least", "value": 10**9}, {"what": "visits", "how": "at_most", "value": 1},
    ],
}  # fmt: skip


@dataclass(frozen=True)
class Timed:
    """Milliseconds of one page, and those of the processors for a request, which a busy machine disturbs less."""

    median: float
    p95: float
    cpu: float

    def __str__(self) -> str:
        return f"{self.median:.0f} ms, p95 {self.p95:.0f} ms, {self.cpu:.0f} ms of processors"


def timed(installation: Installation, web: Program) -> dict[str, Timed]:
    """Each of the main pages, and the empty one."""
    browser = _Browser(installation.config.url)
    return {name: browser.time(page, web) for name, page in pages().items()}


Page = Callable[[random.Random], str]


def pages() -> Mapping[str, Page]:
    """What is asked for, by the page's name."""
    highest = value("SELECT max(id) FROM customers_customer")
    receipts = list(Receipt.objects.order_by("key").values_list("pk", flat=True)[:1_000])  # their keys are by lot
    segments = _make_segments()
    pages: dict[str, Page] = {
        EMPTY: lambda _chance: "/find/",
        "Today": lambda _chance: "/",
        "customer card": lambda chance: f"/customers/{chance.randint(1, highest)}/",
        "list of customers": lambda chance: f"/customers/?after=~{chance.randint(1, highest)}",
        "list of customers by name": lambda chance: f"/customers/?order=name&after={quote(_name(chance))}~1",
        "list of customers, searched": lambda chance: f"/customers/?q={quote(_words(chance, highest))}",
        "Ctrl+K": lambda chance: f"/find/?q={quote(_words(chance, highest))}",
        "people behind a number": lambda chance: f"/insights/people/{chance.choice(_LISTS)}/",
        "insights": lambda _chance: "/insights/",
        "owner's page": lambda _chance: "/insights/business/",
        "segments": lambda _chance: "/segments/",
        "likely duplicates": lambda chance: f"/customers/duplicates/?after={chance.randint(60, 99)}-{highest}",
        "receipt": lambda chance: f"/receipts/{chance.choice(receipts)}/",
        "imports": lambda _chance: "/imports/",
    }
    for name, key in segments.items():
        pages[f"segment {name}: count and ten people"] = lambda _chance, key=key: f"/segments/{key}/"  # type: ignore[misc]
    return pages


_LISTS = ("state:lost", "state:slipping", "rfm:champions", "abc:A", "lost:any", "newcomers:never_returned", "all")


def _words(chance: random.Random, highest: int) -> str:
    """What people type: a name or its beginning, the end of a phone, a card, an e-mail."""
    number = chance.randint(1, highest)
    return chance.choice(
        [_name(chance), _name(chance)[:3], f"{number:09d}"[-7:], f"2000{number:09d}", f"mail{number}@", "bdfyjd"]
    )


def _name(chance: random.Random) -> str:
    return f"{chance.choice(FAMILIES)} {chance.choice(GIVEN)}"


def _make_segments() -> dict[str, int]:
    owner = User.objects.get(email=OWNER)
    for name, items in _CONDITIONS.items():
        if not Segment.objects.filter(name=name).exists():
            save_segment(name=name, rule={"join": "all", "not": False, "items": items}, by=owner)
    return dict(Segment.objects.filter(name__in=_CONDITIONS).values_list("name", "pk"))


class _Browser:
    """One connection of a user who is logged in."""

    def __init__(self, url: str) -> None:
        client = Client()
        client.force_login(User.objects.get(email=OWNER), backend=_BACKEND)
        self._cookie = f"sessionid={client.cookies['sessionid'].value}"
        address = urlsplit(url)
        self._connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=120)

    def time(self, page: Page, web: Program) -> Timed:
        chance = random.Random(_SEED)
        for _n in range(_WARM_UP):
            self._get(page(chance))
        with clocked(web) as spent:
            taken = [self._get(page(chance)) for _n in range(REQUESTS)]
        cuts = quantiles(taken, n=20)
        return Timed(cuts[9], cuts[18], spent.cpu / REQUESTS * 1000)

    def _get(self, path: str) -> float:
        started = time.perf_counter()
        self._connection.request("GET", path, headers={"Cookie": self._cookie, "Accept-Encoding": "identity"})
        answer = self._connection.getresponse()
        said = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {said[:300]!r}")
        return (time.perf_counter() - started) * 1000
