"""Lists of customers as people keep them in Excel: which column says what, and what stands in it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from regulars.core.errors import ColumnProblem, InputError
from regulars.core.i18n import N_
from regulars.core.i18n import gettext as _
from regulars.core.progress import Progress, Silent
from regulars.customers.models import Field
from regulars.foundation.models import Business
from regulars.ingest.content import Content, prepare_profiles, profile
from regulars.ingest.engine import Engine, literal
from regulars.ingest.headings import normalise
from regulars.ingest.inspect import ColumnFinding, Fact
from regulars.ingest.opening import candidates_of
from regulars.ingest.phones import quick_sql, region_form
from regulars.ingest.sources import find_files
from regulars.ingest.table import RawTable, cell
from regulars.ingest.values import date_sql, double_sql
from regulars.ingest.workspace import Workspace

FIELD_TITLES = {
    "external_id": N_("Key in the till"),
    "name": N_("Full name"),
    "family_name": N_("Family name"),
    "given_name": N_("Given name"),
    "middle_name": N_("Middle name"),
    "phone": N_("Phone"),
    "email": N_("E-mail"),
    "card": N_("Card"),
    "birth_date": N_("Birthday"),
    "sex": N_("Sex"),
}

CONTACTS = ("phone", "email", "card")
_MANY = frozenset(CONTACTS)  # several columns may hold such

# tried in this order; the first that fits takes the column
_WORDS = (
    ("email", r"e ?mail|почт"),
    ("phone", r"телефон|\bтел\b|\bмоб|phone|mobile|whatsapp"),
    ("card", r"карт|\bcard\b"),
    ("birth_date", r"рожд|birth|\bдр\b|\bdob\b"),
    ("family_name", r"фамил|last name|surname|family name"),
    ("middle_name", r"отчеств|middle name|patronymic"),
    ("given_name", r"^имя$|first name|given name"),
    ("name", r"\bфио\b|full name|^name$|имя|клиент$|покупател|контакт|^customer( name)?$|^client( name)?$|наименован"),
    ("sex", r"^пол$|\bsex\b|gender"),
    ("external_id", r"\bid\b|\bкод\b|номер клиента|customer (no|number)"),
)

_SHOWN = 12


@dataclass(frozen=True)
class ListColumns:
    """A list that was opened: its table and what each column is taken for ("" for nothing)."""

    table: RawTable
    contents: tuple[Content, ...]
    roles: tuple[str, ...]

    def of(self, role: str) -> list[int]:
        """The columns that play the role."""
        return [place for place, one in enumerate(self.roles) if one == role]

    @property
    def own(self) -> list[tuple[int, str]]:
        """Columns of own fields, with the slugs."""
        return [(place, role.removeprefix("own:")) for place, role in enumerate(self.roles) if role.startswith("own:")]


@dataclass(frozen=True)
class ListFacts:
    """What the page of a draft shows of a list; shaped as the inspection of purchases."""

    columns: tuple[ColumnFinding, ...]
    facts: tuple[Fact, ...] = ()


@dataclass(frozen=True)
class ListPreview:
    """A draft of a list of customers; shaped as the preview of purchases."""

    inspection: ListFacts | None
    problems: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()
    rejects: tuple[Any, ...] = ()
    is_whole: bool = True
    is_read: bool = True


def role_titles() -> dict[str, str]:
    """What a column may be: fields of a customer, and the business's own."""
    own = Field.objects.filter(is_archived=False).values_list("slug", "title")
    return FIELD_TITLES | {f"own:{slug}": title for slug, title in own}


def open_list(engine: Engine, path: Path, mapping: Mapping[str, str] | None) -> ListColumns:
    """The table with the most rows, and the roles of its columns; `mapping` (heading -> role) decides when given."""
    prepare_profiles(engine)
    _source, tables, _empty = candidates_of(engine, find_files([path]))[0]
    table = max(tables, key=lambda one: one.rows or 0)
    contents = tuple(profile(engine, table))
    known = role_titles()
    if mapping:
        roles = [mapping.get(heading, "") for heading in table.headings]
        roles = [role if role in known else "" for role in roles]
    else:
        roles = _guess(table.headings, contents, known)
    return ListColumns(table, contents, tuple(roles))


def check(columns: ListColumns) -> None:
    """`ColumnProblem` unless the list says who somebody is."""
    if not set(columns.roles) & {"external_id", "name", "family_name", "given_name", *CONTACTS}:
        raise ColumnProblem(
            _("No column says who the customer is: choose the one with the name, phone, e-mail, card or key.")
        )
    twice = [role for role in columns.roles if role and role not in _MANY and columns.roles.count(role) > 1]
    if twice:
        raise ColumnProblem(
            _("Two columns are taken for one thing: {role}. Leave one of them out.").format(
                role=_(role_titles()[twice[0]])
            )
        )


def looks_like_list(path: Path) -> bool:
    """Whether the headings are those of a list of customers."""
    try:
        with TemporaryDirectory(prefix="regulars-list-") as folder:
            found = open_list(_engine(Path(folder)), path, None)
    except InputError:
        return False
    return bool(set(found.roles) & {*CONTACTS, "family_name"}) or found.roles.count("name") == 1


def preview_list(path: Path, name: str, mapping: Mapping[str, str] | None) -> ListPreview:
    """What a list would bring, without bringing it."""
    try:
        with TemporaryDirectory(prefix="regulars-list-") as folder:
            engine = _engine(Path(folder))
            found = open_list(engine, path, mapping)
            facts = ListFacts(tuple(_finding(found, place) for place in range(len(found.roles))))
            try:
                check(found)
            except InputError as error:
                return ListPreview(facts, (str(error),))
            stage_list(engine, found, Business.current().region)
            return ListPreview(facts, (), *_first_rows(engine, found))
    except InputError as error:
        return ListPreview(None, (str(error).replace(str(path), name),))


def stage_list(engine: Engine, columns: ListColumns, region: str) -> None:
    """DuckDB tables `pl_people` (n, line and the fields) and `pl_contacts` (n, kind, value, written)."""
    table = columns.table
    fields = [f"{_field_sql(columns, role, region)} AS {role}" for role in FIELD_TITLES if role not in CONTACTS]
    own = ", ".join(f"{literal(slug)}, {_own_sql(columns, place, slug, region)}" for place, slug in columns.own)
    fields.append(f"json_object({own})::VARCHAR AS own_fields" if own else "'{}' AS own_fields")
    cells = [f"{_text(table, place)} AS c{place}" for place in range(len(table.headings)) if columns.roles[place]]
    filled = " OR ".join(f"{cell(place)} IS NOT NULL" for place in range(len(table.headings)))
    engine.rows(
        f"""CREATE OR REPLACE TEMP TABLE pl_people AS SELECT row_number() OVER () AS n, *
        FROM (SELECT {", ".join([*fields, *cells])} FROM ({table.relation}) WHERE {filled})""",
        table.label,
        _("Reading customers"),
    )
    engine.rows("CREATE OR REPLACE TEMP TABLE pl_contacts (n BIGINT, kind VARCHAR, value VARCHAR, written VARCHAR)")
    form = region_form(region)
    for kind in CONTACTS:
        for place in columns.of(kind):
            engine.rows(
                f"""INSERT INTO pl_contacts SELECT n, '{kind}', {_contact_sql(kind, form)}, left(x, 254) FROM (
                    SELECT n, rg_text(unnest(string_split_regex(c{place}, '[,;/\\n]'))) AS x FROM pl_people)
                WHERE x IS NOT NULL""",
                table.label,
            )


def _contact_sql(kind: str, form: Any) -> str:
    if kind == "phone":
        return quick_sql("regexp_replace(x, '[.,]0$', '')", form)
    if kind == "email":
        return "CASE WHEN regexp_full_match(x, '[^@\\s]+@[^@\\s]+\\.[^@\\s]+') AND length(x) < 255 THEN lower(x) END"
    bare = "upper(regexp_replace(regexp_replace(x, '[.,]0$', ''), '[\\s-]', '', 'g'))"
    return f"CASE WHEN regexp_full_match({bare}, '[\\p{{L}}\\p{{N}}_]{{3,64}}') THEN {bare} END"


def _engine(folder: Path, progress: Progress | None = None) -> Engine:
    return Engine.open(Workspace(folder), progress or Silent(), "1GB")


open_engine = _engine


def _guess(headings: Sequence[str], contents: Sequence[Content], known: Mapping[str, str]) -> list[str]:
    own = {normalise(title): role for role, title in known.items() if role.startswith("own:")}
    own |= {role.removeprefix("own:"): role for role in known if role.startswith("own:")}
    roles: list[str] = []
    for heading, content in zip(headings, contents, strict=True):
        phrase = normalise(heading)
        role = own.get(phrase) or next((role for role, words in _WORDS if re.search(words, phrase)), "")
        if content.is_empty or (role in roles and role not in _MANY):
            role = ""
        if not role and content.emails > 0.5:
            role = "email"
        roles.append(role)
    return roles


def _finding(columns: ListColumns, place: int) -> ColumnFinding:
    role, content = columns.roles[place], columns.contents[place]
    if content.is_empty:
        why = _("the column is empty")
    elif role:
        why = _("by its heading or by your choice")
    else:
        why = _("the heading says nothing about customers")
    return ColumnFinding(columns.table.headings[place], role or None, why, content.samples)


def _first_rows(engine: Engine, columns: ListColumns) -> tuple[tuple[str, ...], tuple[tuple[Any, ...], ...]]:
    shown = [role for role in FIELD_TITLES if columns.of(role)]
    selected = [
        role
        if role not in CONTACTS
        else f"(SELECT string_agg(coalesce(value, '✗ ' || written), ', ') FROM pl_contacts c "
        f"WHERE c.n = p.n AND kind = '{role}')"
        for role in shown
    ]
    rows = engine.rows(f"SELECT {', '.join(selected)} FROM pl_people p ORDER BY n LIMIT {_SHOWN}")
    return tuple(shown), tuple(rows)


def _text(table: RawTable, place: int) -> str:
    text = cell(place) if table.type_of(place) == "VARCHAR" else f"{cell(place)}::VARCHAR"
    return f"rg_text(replace({text}, chr(0), ''))"


_LONGEST = {"external_id": 200, "name": 300}


def _field_sql(columns: ListColumns, role: str, region: str) -> str:
    places = columns.of(role)
    if not places:
        return "NULL::DATE" if role == "birth_date" else "''"
    text = _text(columns.table, places[0])
    if role == "birth_date":
        day = f"({date_sql(text, fast=None, month_first=region.upper() == 'US')})::DATE"
        return f"CASE WHEN {day} BETWEEN DATE '1900-01-01' AND current_date THEN {day} END"
    if role == "sex":
        return f"""CASE WHEN lower(left({text}, 1)) IN ('ж', 'f', 'w') THEN 'f'
            WHEN lower(left({text}, 1)) IN ('м', 'm') THEN 'm' ELSE '' END"""
    if role == "external_id":
        text = f"regexp_replace({text}, '^(\\d+)[.,]0+$', '\\1')"
    return f"left(coalesce({text}, ''), {_LONGEST.get(role, 120)})"


def _own_sql(columns: ListColumns, place: int, slug: str, region: str) -> str:
    text = _text(columns.table, place)
    field = Field.objects.get(slug=slug)
    match field.type:
        case Field.Type.NUMBER:
            return double_sql(text, comma=region.upper() != "US")
        case Field.Type.DATE:
            return f"({date_sql(text, fast=None, month_first=region.upper() == 'US')})::DATE::VARCHAR"
        case Field.Type.YES_NO:
            return f"""CASE WHEN lower({text}) IN ('да', 'yes', 'true', '1', '+', 'y', 'д') THEN true
                WHEN lower({text}) IN ('нет', 'no', 'false', '0', '-', 'n', 'н') THEN false END"""
        case Field.Type.CHOICE:
            choices = ", ".join(map(literal, [*field.choices, ""]))
            return f"CASE WHEN {text} IN ({choices}) THEN {text} END"
        case Field.Type.CHOICES:
            return f"CASE WHEN {text} IS NOT NULL THEN string_split_regex({text}, '\\s*[,;]\\s*') END"
    return f"left({text}, 2000)"
