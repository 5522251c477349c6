"""The log of safety in words: every event has a title, and its details can be read by whoever runs a shop."""

import ast
import re
from pathlib import Path

import pytest

import regulars
from regulars.accounts.models import LogEntry
from regulars.accounts.services import event_titles
from regulars.core.i18n import use_language
from regulars.customers.models import Tag
from regulars.insights.models import Segment
from tests.web.people import logged_in, make_user

SOURCE = Path(regulars.__file__).parent


def logged_events() -> set[str]:
    """The first word of every call of the log in the source."""
    found: set[str] = set()
    for path in SOURCE.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if "regulars.accounts.services import" not in text and path.parent.name != "accounts":
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "log":
                first = node.args[0]
                for one in (first.body, first.orelse) if isinstance(first, ast.IfExp) else (first,):
                    assert isinstance(one, ast.Constant), f"{path}:{node.lineno}: write the event out"
                    found.add(one.value)
    return found


def test_every_event_has_a_title_and_every_title_an_event() -> None:
    assert logged_events() == set(event_titles())
    assert len(logged_events()) > 20


def test_in_russian_events_have_no_sex() -> None:
    with use_language("ru"):
        titles = event_titles().values()
    assert not [title for title in titles if re.match(r"(не )?\w+(л|лся|ла|лась)\b", title)]


TOLD = (
    ("invited", "new@example.com", {"role": "cashier"}, ("role: Cashier",)),
    ("role_saved", "manager", {"rights": ["customers.see", "contacts.see"], "own_customers_only": True},
     ("Manager", "may: see customers, see phones and addresses in full", "own customers only")),
    ("exported", "customers", {"rows": 2, "form": "xlsx", "columns": ["name", "phone", "return_chance"],
                               "filters": {"owner": "OWNER", "tag": "TAG", "state": "lost"}},
     ("Customers", "2 rows", "XLSX", "columns: Customer, Phone, Chance to return",
      "Manager: Owner", "Tag: Guests of honour", "State: Lost")),
    ("exported", "segment:SEGMENT", {"rows": 1, "form": "csv", "columns": ["name"], "filters": {}},
     ("Coffee lovers", "1 row", "CSV")),
    ("exported", "receipts", {"rows": 3, "export": 1, "key": 1, "segment": None}, ("lines of receipts", "3 rows")),
    ("contacts_seen", "find", {"rows": 8, "columns": ["phone", "telegram"]}, ("Search", "columns: Phone, Telegram")),
    ("key_made", "Till", {"scopes": ["customers:read"]}, ("Till", "opens: read customers")),
    ("hook_made", "https://example.com", {"events": ["audit.done"]}, ("is told when: an audit is ready",)),
    ("erased", "#7", {"contact": 2, "note": 1}, ("#7", "2 contacts", "1 note")),
)  # fmt: skip
RAW = ("customers.see", "return_chance", "customers:read", "audit.done", "segment:", "<i>{", "None", "[")


@pytest.mark.django_db
@pytest.mark.parametrize(("event", "about", "details", "words"), TOLD)
def test_details_are_words(event: str, about: str, details: dict[str, object], words: tuple[str, ...]) -> None:
    owner = make_user("owner")
    rule = {"join": "all", "not": False, "items": [{"what": "kind", "how": "in", "value": ["person"]}]}
    segment = Segment.objects.create(name="Coffee lovers", rule=rule)
    tag = Tag.objects.create(name="Guests of honour")
    client = logged_in(owner)
    LogEntry.objects.all().delete()
    if details.get("filters"):
        details = details | {"filters": {"owner": str(owner.pk), "tag": str(tag.pk), "state": "lost"}}
    LogEntry.objects.create(event=event, about=about.replace("SEGMENT", str(segment.pk)), details=details)
    page = client.get("/settings/log/").content.decode()
    row = re.sub(r"<[^>]+>", " ", page.partition("<tbody>")[2].partition("</tbody>")[0])
    for one in (event_titles()[event], *words):
        assert one in row, one
    assert not [one for one in RAW if one in row]


@pytest.mark.django_db
def test_a_list_that_is_gone_does_not_break_the_log() -> None:
    client = logged_in(make_user("owner"))
    for about in ("segment:99999999", "nonsense", "audience:1:hashed", "flow:1:2:lost:new", ""):
        LogEntry.objects.create(event="exported", about=about, details={"rows": 1, "filters": {"owner": "x" * 50}})
    LogEntry.objects.create(event="role_changed", about="<script>", details={"role": "<b>gone</b>"})
    page = client.get("/settings/log/")
    assert page.status_code == 200
    assert "<script>" not in page.content.decode().partition("<tbody>")[2].partition("</tbody>")[0]
