"""Audiences for advertising systems: contacts normalised, hashed, and nothing else written."""

import csv
import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from types import MappingProxyType

import duckdb
import ibis.expr.types as ir
import pyarrow as pa

from regulars.analytics.attributes import Attributes
from regulars.analytics.purchases import connect
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.ingest import phones
from regulars.ingest.workspace import Workspace
from regulars.report.atomic import replacing
from regulars.report.batches import batches_of
from regulars.report.people import list_column

_AT_ONCE = 5_000
_MEMORY = "256MB"  # for sorting hashes; above it they are sorted on disk


@dataclass(frozen=True)
class System:
    """How one advertising system wants its list. A phone is written as digits with the country code."""

    email: str  # heading; empty: a file without headings for each kind of contact
    phone: str
    plus: bool = False  # before the digits of a phone
    phone_first: bool = False
    apart: bool = False  # one file for phones, one for e-mails

    def phone_form(self, e164: str) -> str:
        return e164 if self.plus else e164.removeprefix("+")


# where each form comes from is told in docs/how-to/export-an-audience.md
SYSTEMS = MappingProxyType(
    {
        "google": System("Email", "Phone", plus=True),
        "meta": System("email", "phone"),
        "yandex": System("email", "phone", phone_first=True),
        "vk": System("", "", apart=True),
    }
)


@dataclass
class Written:
    """What went into an audience, and what could not."""

    files: list[Path] = field(default_factory=list)
    customers: int = 0  # on the list
    phones: int = 0
    emails: int = 0
    without_contact: int = 0
    unreadable: int = 0  # contacts that are neither a valid phone nor an address


@dataclass(frozen=True)
class Contact:
    """The contacts of one customer, normalised: phones in E.164, addresses trimmed and in small letters."""

    customer: str
    phones: tuple[str, ...]
    emails: tuple[str, ...]


def normalised_email(text: str) -> str | None:
    """The address as advertising systems hash it; None when it is none.

    >>> normalised_email("  Anna@Mail.RU ")
    'anna@mail.ru'
    """
    found = "".join(text.split()).lower()
    name, at, domain = found.partition("@")
    return found if at and name and "." in domain and "@" not in domain and "," not in found else None


def hashed(text: str) -> str:
    """SHA-256 of the UTF-8 text in small hexadecimal letters.

    >>> hashed("+79161234567")[:8]
    'c795313d'
    """
    return hashlib.sha256(text.encode()).hexdigest()


def write_audience(
    people: ir.Table,
    system: str,
    path: Path,
    *,
    attributes: Attributes | None = None,
    region: str = "RU",
) -> Written:
    """Write the hashed contacts of `people` (`customer_id`) for one of `SYSTEMS`; raw contacts are never written.

    A customer whose id is a phone or an address brings that; `attributes` bring those in its columns of contacts.
    Phones are normalised by `region` to E.164; invalid ones are counted and left out. The same contact is written
    once, whoever has it, in the order of the hashes, so that the file tells nothing about who spends most.
    Raises `InputError` for an unknown system and when nobody has a contact, `OutputError` when nothing can be written.
    """
    if system not in SYSTEMS:
        raise InputError(
            _("There is no advertising system {name!r}. Choose one of: {names}.").format(
                name=system, names=", ".join(SYSTEMS)
            )
        )
    form, written = SYSTEMS[system], Written()
    with _hashes() as hashes:
        for contacts in _contacts(people, attributes, region, written):
            hashes.add(contacts, form)
        hashes.count(written)
        if not (written.phones or written.emails):
            raise InputError(
                _(
                    "Nobody of {n} customers on the list has a phone or an e-mail. Give a table with contacts: "
                    "--attributes customers.csv"
                ).format(n=written.customers)
            )
        _write(hashes, form, path, written)
    return written


@dataclass(frozen=True)
class _Hashes:
    """Hashes on disk: however long the list is, the memory that it takes stays the same."""

    connection: duckdb.DuckDBPyConnection

    def add(self, contacts: list[Contact], form: System) -> None:
        """Remember the hashes of some contacts, and (hashed too) whose they are."""
        found = [(hashed(contact.customer), *pair) for contact in contacts for pair in _rows(contact, form)]
        if not found:
            return
        rows = pa.table(dict(zip(("who", "email", "phone"), zip(*found, strict=True), strict=True)))  # noqa: F841
        self.connection.execute("INSERT INTO hashes SELECT who, email, phone FROM rows")

    def count(self, written: Written) -> None:
        """Each contact counts once, whoever has it."""
        counts = self.connection.execute(
            "SELECT count(DISTINCT nullif(phone, '')), count(DISTINCT nullif(email, '')), count(DISTINCT who) "
            "FROM hashes"
        ).fetchone()
        assert counts is not None
        written.phones, written.emails = counts[0], counts[1]
        written.without_contact = written.customers - counts[2]

    def each(self, *columns: str) -> Iterator[tuple[str, ...]]:
        """The different rows of these columns in the order of the hashes, without those that are empty."""
        names = ", ".join(columns)
        found = self.connection.execute(
            f"SELECT DISTINCT {names} FROM hashes WHERE concat({names}) <> '' ORDER BY {names}"
        )
        while rows := found.fetchmany(_AT_ONCE):
            yield from rows


@contextmanager
def _hashes() -> Iterator[_Hashes]:
    place = Workspace()
    try:
        with duckdb.connect(
            str(place.new_path("hashes", ".duckdb")),
            config={"memory_limit": _MEMORY, "temp_directory": str(place.folder), "threads": 1},
        ) as connection:
            connection.execute("CREATE TABLE hashes (who VARCHAR, email VARCHAR, phone VARCHAR)")
            yield _Hashes(connection)
    finally:
        place.remove()


def _contacts(
    people: ir.Table, attributes: Attributes | None, region: str, written: Written
) -> Iterator[list[Contact]]:
    """Some at once: one contact a customer, and one more for each further row that his attributes have."""
    table = people.select("customer_id").distinct()
    written.customers = int(table.count().to_pyarrow().as_py())
    columns: tuple[str, ...] = ()
    if attributes is not None:
        columns = (*attributes.phones, *attributes.emails)
        given = attributes.beside(people).rows.select("customer_id", *columns)
        table = table.left_join(given, "customer_id").drop("customer_id_right")
    for batch in batches_of(table, rows_at_once=_AT_ONCE)[1]:
        yield [_contact(row, columns, region, written) for row in batch.to_pylist()]


def _contact(row: dict[str, str | None], columns: tuple[str, ...], region: str, written: Written) -> Contact:
    found_phones: list[str] = []
    found_emails: list[str] = []
    for name in ("customer_id", *columns):
        text = row[name]
        if not text:
            continue
        if (email := normalised_email(text)) is not None:
            found_emails.append(email)
        elif name == "customer_id" and not text.startswith("+"):
            continue  # a card number may look like a phone; phones were given their plus when they were read
        elif (phone := phones.normalise(text, region)) is not None:
            found_phones.append(phone)
        else:
            written.unreadable += 1
    return Contact(row["customer_id"] or "", tuple(dict.fromkeys(found_phones)), tuple(dict.fromkeys(found_emails)))


def _rows(contact: Contact, form: System) -> set[tuple[str, str]]:
    """(e-mail, phone) pairs, hashed: one row while both are single, further rows for further contacts."""
    emails = [hashed(email) for email in contact.emails]
    numbers = [hashed(form.phone_form(phone)) for phone in contact.phones]
    width = max(len(emails), len(numbers))
    emails += [""] * (width - len(emails))
    numbers += [""] * (width - len(numbers))
    return set(zip(emails, numbers, strict=True))


def _write(hashes: _Hashes, form: System, path: Path, written: Written) -> None:
    if form.apart:
        for column, kind, count in (("email", "emails", written.emails), ("phone", "phones", written.phones)):
            if count:
                target = path.with_name(f"{path.stem}-{kind}{path.suffix or '.txt'}")
                # this system wants a heading in a CSV file, and none in a text file
                heading = [("id",)] if target.suffix.lower() == ".csv" else []
                _write_lines(target, chain(heading, hashes.each(column)))
                written.files.append(target)
        return
    # in the order of e-mails, whichever stands first
    order = (1, 0) if form.phone_first else (0, 1)
    headings = (form.email, form.phone)
    lines = ([row[place] for place in order] for row in hashes.each("email", "phone"))
    _write_lines(path, chain([[headings[place] for place in order]], lines))
    written.files.append(path)


def _write_lines(path: Path, lines: Iterable[Sequence[str]]) -> None:
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(lines)


def people_on(customers: ir.Table, list_id: str) -> ir.Table:
    """Those in the table of customers of an audit who are on a list, such as `state:slipping`.

    `InputError` when there is no such list.
    """
    kind, _colon, value = list_id.partition(":")
    column = list_column(kind)
    if column is None or column not in customers.columns or not value:
        raise InputError(
            _("There is no list {name!r}. Lists are such as: {names}.").format(
                name=list_id, names="abc:A, state:slipping, rfm:champions, opportunity:win_back_lost, finding:…"
            )
        )
    if kind == "finding":
        return customers.filter(customers[column].contains(value))
    if value == "any":
        return customers.filter(customers[column].notnull())
    return customers.filter(customers[column] if kind == "newcomers" else customers[column] == value)


def open_customers(path: str | os.PathLike[str]) -> ir.Table:
    """The table of customers that an audit wrote as Parquet; `InputError` when it is none."""
    if not Path(path).is_file():
        raise InputError(_("There is no file {file}. Check the path.").format(file=path))
    refusal = _("{file} is not a table of customers. Give the customers.parquet that regulars audit wrote.")
    try:
        table = connect().read_parquet(str(path))
    except duckdb.Error as error:
        raise InputError(refusal.format(file=path)) from error
    if "customer_id" not in table.columns:
        raise InputError(refusal.format(file=path))
    return table
