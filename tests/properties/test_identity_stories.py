"""Any story of imports, merges, un-merges, undos, edits and erasures loses no purchase and doubles none."""

import random
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from regulars.accounts.models import User
from regulars.api.models import Scope
from regulars.api.services import make_key
from regulars.core.errors import InputError
from regulars.customers.models import Customer, Merge, Note
from regulars.customers.selectors.consents import today
from regulars.customers.selectors.family import by_external_id, survivor_of
from regulars.customers.services.customers import add_note, edit_customer
from regulars.customers.services.erasing import ask_erasure, erase
from regulars.customers.services.merging import merge, unmerge
from regulars.insights import warehouse
from regulars.purchases.importing.runs import import_now, undo
from regulars.purchases.models import Import, Receipt
from regulars.purchases.selectors import purchases_of
from tests.web.people import logged_in, make_user

pytestmark = pytest.mark.django_db
HEADINGS = "Дата;Номер чека;Код клиента;Товар;Сумма"
KEYS = [f"K-{number}" for number in range(6)]


class Story:
    """What was done, and what must be there after it."""

    def __init__(self, seed: int, owner: User, folder: Path) -> None:
        self.chance, self.owner, self.folder = random.Random(seed), owner, folder
        self.receipts: dict[str, tuple[str, int]] = {}  # number -> whose key, sum
        self.imports: dict[int, set[str]] = {}
        self.merges: list[int] = []
        self.erased: set[str] = set()
        self.notes: dict[str, str] = {}  # text -> whose card it was written on
        self.told: list[str] = []

    def bring(self) -> None:
        """A file with some new receipts and some that came before."""
        fresh = {
            str(len(self.told) * 100 + place): (self.chance.choice(KEYS), self.chance.randint(1, 999) * 100)
            for place in range(self.chance.randint(1, 5))
        }
        known = self.chance.sample(sorted(self.receipts), k=min(2, len(self.receipts)))
        rows = fresh | {number: self.receipts[number] for number in known}
        path = self.folder / f"{len(self.told)}.csv"
        lines = [
            f"0{1 + int(number) % 9}.03.2026 10:00;{number};{key};Хлеб;{amount // 100},00"
            for number, (key, amount) in rows.items()
        ]
        path.write_text("\n".join([HEADINGS, *lines]), encoding="utf-8")
        done = import_now(path)
        assert done.state == "done", done.error
        assert done.result["receipts"] == len(fresh), str(self.told)
        self.receipts |= fresh
        self.imports[done.pk] = set(fresh)

    def take_back(self) -> None:
        """Undo of any import that still stands."""
        if self.imports:
            chosen = self.chance.choice(sorted(self.imports))
            undo(chosen, user_id=self.owner.pk)
            assert Import.objects.get(pk=chosen).state == "undone"
            for number in self.imports.pop(chosen):
                del self.receipts[number]

    def merge(self) -> None:
        """Two whole customers become one."""
        whole = list(Customer.objects.whole().filter(is_erased=False).order_by("pk"))
        if len(whole) >= 2:
            kept, gone = self.chance.sample(whole, 2)
            self.merges.append(merge(kept, gone, by=self.owner).pk)
            self.told[-1] += f" {self.merges[-1]}: #{gone.pk} into #{kept.pk}"

    def part(self) -> None:
        """Any merge is taken back; one of somebody who was erased cannot be."""
        if self.merges:
            chosen = self.merges.pop(self.chance.randrange(len(self.merges)))
            self.told[-1] += f" {chosen}"
            try:
                unmerge(Merge.objects.get(pk=chosen), by=self.owner)
            except InputError:
                assert self.erased

    def write(self) -> None:
        """Somebody writes about a customer."""
        whole = list(Customer.objects.whole().filter(is_erased=False).exclude(external_id=None).order_by("pk"))
        if whole:
            one, text = self.chance.choice(whole), f"note {len(self.told)}"
            edit_customer(one, by=self.owner, given_name=text)
            add_note(one, text, by=self.owner)
            self.notes[text] = one.external_id or ""

    def erase(self) -> None:
        """One person, with all who became part of him, is forgotten."""
        whole = list(Customer.objects.whole().filter(is_erased=False).order_by("pk"))
        if whole and len(self.erased) < 2:
            one = self.chance.choice(whole)
            case = ask_erasure(one, asked_on=today(), due_on=None, asked_by="x", by=self.owner)
            self.told[-1] += f" #{one.pk}"
            self.erased |= {key for key in KEYS if by_external_id(key) == one}
            erase(case, by=self.owner)
            self.notes = {text: key for text, key in self.notes.items() if key not in self.erased}

    def go_on(self) -> None:
        """The next thing that happens."""
        deed = self.chance.choices(
            [self.bring, self.take_back, self.merge, self.part, self.write, self.erase], [4, 1, 4, 3, 2, 0.4]
        )[0]
        self.told.append(deed.__name__)
        deed()

    def check(self) -> None:
        """No purchase is lost or doubled, and each is where its key leads."""
        found = {one.number: one for one in Receipt.objects.all()}
        assert len(found) == Receipt.objects.count()
        assert {number: one.amount for number, one in found.items()} == {
            number: amount for number, (_key, amount) in self.receipts.items()
        }, str(self.told)
        for number, (key, _amount) in self.receipts.items():
            if key not in self.erased:
                holder = by_external_id(key)
                assert holder is not None, (key, str(self.told))
                assert survivor_of(found[number].customer_id or 0) == holder.pk, (number, key, str(self.told))
        for text, key in self.notes.items():
            holder, note = by_external_id(key), Note.objects.filter(text=text).first()
            if holder is not None and note is not None:
                assert survivor_of(note.customer_id) == holder.pk, (text, str(self.told))


@pytest.mark.parametrize("seed", range(9))
def test_a_story_keeps_every_purchase_where_its_key_leads(seed: int, tmp_path: Path, settings: Any) -> None:
    settings.MEDIA_ROOT = tmp_path / "files"
    story = Story(seed, make_user("owner"), tmp_path)
    story.bring()
    for _step in range(20):
        story.go_on()
        story.check()
    links_and_analytics_agree(story)
    # all merges are taken back: each key has exactly its own purchases
    for pk in reversed(story.merges):
        if not story.erased:
            unmerge(Merge.objects.get(pk=pk), by=story.owner)
    story.check()
    for key in set(KEYS) - story.erased if not story.erased else ():
        holder = by_external_id(key)
        if holder is not None:
            expected = {number for number, (whose, _amount) in story.receipts.items() if whose == key}
            assert {one.receipt.number for one in purchases_of(holder, limit=1000)} == expected, story.told


def links_and_analytics_agree(story: Story) -> None:
    """Old addresses, the API and the columnar copy all lead to who is left."""
    client = logged_in(story.owner)
    headers = {"Authorization": f"Bearer {make_key(name='Till', scopes=list(Scope), by=None)}"}
    for one in Customer.objects.exclude(merged_into=None):
        kept = survivor_of(one.pk)
        assert client.get(f"/customers/{one.pk}/").headers["Location"] == f"/customers/{kept}/"
        assert Client().get(f"/api/v1/customers/{one.pk}", headers=headers).json()["id"] == kept
    expected: dict[str, int] = {}
    for receipt in Receipt.objects.exclude(customer=None):
        kept = str(survivor_of(receipt.customer_id or 0))
        expected[kept] = expected.get(kept, 0) + receipt.amount
    warehouse.refresh()
    lines = warehouse.history().lines.to_pyarrow().to_pylist()
    counted: dict[str, int] = {}
    for line in lines:
        if line["customer_id"] is not None:
            counted[line["customer_id"]] = counted.get(line["customer_id"], 0) + line["amount"]
    assert counted == expected, story.told
