"""Which column plays which role: what the person said, then what the headings say, then what the cells look like.

A heading proposes, the content may veto: a column called "Сумма" that holds words is not the amount. Where two columns
fit a role equally well and the choice would change the figures, nobody guesses: the person is asked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from regulars.core.errors import ColumnProblem
from regulars.core.i18n import gettext as _
from regulars.ingest.content import Content
from regulars.ingest.headings import PARTS, ROLES, meanings, normalise, position_in_vocabulary, says_phone

REQUIRED = ("customer_id", "purchased_at", "amount")

# a wrong choice among these changes money, people or time; a wrong name of a shop can be seen and put right
_ASK = frozenset({*REQUIRED, *PARTS, "receipt_id", "quantity", "discount", "cost"})
_NUMERIC = frozenset({"amount", "quantity", "discount", "cost", "unit_cost", "price"})
_NAMED = frozenset({"store", "staff", "category", "channel", "promotion", "product"})


@dataclass(frozen=True)
class Candidate:
    """A column that could play a role, and how well."""

    role: str
    column: int
    score: float
    why: str


@dataclass
class Assignment:
    """The roles of one table; `problems` are what a person must settle before it can be read."""

    roles: dict[str, int] = field(default_factory=dict)
    reasons: dict[int, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def give(self, role: str, column: int, why: str) -> None:
        """Let the column play the role."""
        self.roles[role] = column
        self.reasons[column] = why

    @property
    def is_complete(self) -> bool:
        """Whether everything required is there."""
        return not self.problems


def assign(headings: Sequence[str], contents: Sequence[Content], mapping: Mapping[str, str]) -> Assignment:
    """Find the roles. Raises `ColumnProblem` only when `mapping` names a role or a heading that does not exist."""
    result = Assignment()
    refused = _take_mapping(result, headings, mapping)
    _take_headings(result, headings, contents, refused)
    _take_contents(result, headings, contents, refused)
    _settle_amount(result, headings, refused)
    _settle_time(result, contents, mapping)
    _report_missing(result, headings, contents)
    return result


def _take_mapping(result: Assignment, headings: Sequence[str], mapping: Mapping[str, str]) -> set[str]:
    """Do what the person said; returns the roles that he wants to stay empty (`--map role=""`)."""
    refused = set()
    for role, heading in mapping.items():
        if role not in ROLES:
            raise ColumnProblem(
                _("There is no role {role!r}. The roles are: {roles}.").format(role=role, roles=", ".join(ROLES))
            )
        if not heading.strip():
            refused.add(role)
            continue
        result.give(
            "purchased_at" if role == "purchased_date" else role, find_heading(headings, heading), _("named by you")
        )
    return refused


def find_heading(headings: Sequence[str], wanted: str) -> int:
    """The column under this heading, as written or in other letters; `ColumnProblem` when there is none."""
    if wanted in headings:
        return list(headings).index(wanted)
    alike = [position for position, heading in enumerate(headings) if normalise(heading) == normalise(wanted)]
    if len(alike) == 1:
        return alike[0]
    raise ColumnProblem(
        _("There is no column {wanted!r}. The columns are: {columns}.").format(wanted=wanted, columns=quoted(headings))
    )


def quoted(headings: Sequence[str]) -> str:
    """Headings in a row, for a message."""
    return ", ".join(f"“{heading}”" for heading in headings)


def _take_headings(result: Assignment, headings: Sequence[str], contents: Sequence[Content], refused: set[str]) -> None:
    candidates = [
        candidate
        for column, heading in enumerate(headings)
        if column not in result.reasons
        for candidate in _candidates(column, heading, contents[column])
        if candidate.role not in result.roles and candidate.role not in refused
    ]
    candidates.sort(key=lambda each: (-each.score, each.column))
    for candidate in candidates:
        if candidate.role in result.roles or candidate.column in result.reasons:
            continue
        rivals = [
            each
            for each in candidates
            if each.role == candidate.role and each.score == candidate.score and each.column not in result.reasons
        ]
        if len(rivals) > 1 and not _same_cells(rivals, contents):
            result.problems.append(_tie(candidate.role, [headings[each.column] for each in rivals]))
            result.roles[candidate.role] = candidate.column  # only so that it is not called missing as well
            continue
        result.give(candidate.role, candidate.column, candidate.why)


def _candidates(column: int, heading: str, content: Content) -> list[Candidate]:
    return [
        Candidate(meaning.role, column, meaning.tier + _adjustment(meaning.role, heading, content), _("by its heading"))
        for meaning in meanings(heading)
        if fits(meaning.role, content)
    ]


def fits(role: str, content: Content) -> bool:
    """Whether cells like these can play the role at all. An empty column fits nothing that is needed."""
    if content.is_empty:
        return False
    if role == "purchased_at":
        return content.is_date
    if role == "purchased_time":
        return content.times >= 0.8
    if role in _NUMERIC:
        return content.is_number
    if role == "customer_id":
        return not (content.is_date and content.numbers < 0.5) and content.times < 0.8
    return True


def _adjustment(role: str, heading: str, content: Content) -> float:
    """Small steps between headings of one tier, where the content or the wording settles the matter."""
    if role == "customer_id":
        if content.worded > 0.5:
            return -1.2  # names: two people may share one, and one person may be written in two ways
        return 0.0 if says_phone(heading) or content.emails > 0.5 else 0.3
    if role not in _ASK:
        named = role in _NAMED and not normalise(heading).endswith((" id", " code", " number", " no", " key"))
        return 0.2 * named - 0.001 * position_in_vocabulary(role, heading)
    return 0.0


def _same_cells(rivals: Sequence[Candidate], contents: Sequence[Content]) -> bool:
    return len({contents[each.column] for each in rivals}) == 1


def _tie(role: str, headings: Sequence[str]) -> str:
    return _("Columns {columns} fit the role {role} equally well. Choose one: {choices}.").format(
        columns=quoted(headings), role=role, choices=_(" or ").join(map_option(role, each) for each in headings)
    )


def map_option(role: str, heading: str) -> str:
    """The command-line option that gives the role to the heading."""
    return f'--map {role}="{heading}"'


def _take_contents(result: Assignment, headings: Sequence[str], contents: Sequence[Content], refused: set[str]) -> None:
    """Where no heading helps: the only date, the only phone number, the only column with kopecks."""
    free = [
        column for column in range(len(headings)) if column not in result.reasons and not meanings(headings[column])
    ]
    for role in REQUIRED:
        if role in result.roles or role in refused or (role == "amount" and "price" in result.roles):
            continue
        fitting = [column for column in free if column not in result.reasons and _looks_like(role, contents[column])]
        if len(fitting) == 1:
            result.give(role, fitting[0], _("by what its cells look like"))


def _looks_like(role: str, content: Content) -> bool:
    if role == "purchased_at":
        return content.filled > 0 and content.dates >= 0.95
    if role == "customer_id":
        return content.mobiles >= 0.8 or content.emails >= 0.8
    return content.numbers >= 0.95 and content.fractions >= 0.3 and not content.dates >= 0.5 and content.mobiles < 0.5


def _settle_amount(result: Assignment, headings: Sequence[str], refused: set[str]) -> None:
    """Price times quantity is the amount where the file has no amount of the line, only the sum of the receipt."""
    roles = result.roles
    if "amount" not in roles or not {"price", "quantity", "product"} <= roles.keys():
        return
    column = roles["amount"]
    weak = result.reasons.get(column) == _("by its heading") and all(
        meaning.tier < 2 for meaning in meanings(headings[column]) if meaning.role == "amount"
    )
    if weak and "price" not in refused:
        del roles["amount"], result.reasons[column]


def _settle_time(result: Assignment, contents: Sequence[Content], mapping: Mapping[str, str]) -> None:
    """A separate column of times is needed only where the dates have none."""
    date, time = result.roles.get("purchased_at"), result.roles.get("purchased_time")
    if time is None or "purchased_time" in mapping:
        return
    if date is None or contents[date].clocks > 0:
        del result.roles["purchased_time"], result.reasons[time]


def _report_missing(result: Assignment, headings: Sequence[str], contents: Sequence[Content]) -> None:
    for role in REQUIRED:
        if role in result.roles or (role == "amount" and "price" in result.roles):
            continue
        named = [column for column, heading in enumerate(headings) if _names(role, heading) and contents[column].filled]
        if named and column_is_free(result, named[0]):
            result.problems.append(_unfit(role, headings[named[0]], contents[named[0]]))
            continue
        free = [column for column in range(len(headings)) if column not in result.reasons]
        best = [headings[column] for column in free if _could_be(role, contents[column])][:4]
        empty = next((heading for heading in headings if _names(role, heading)), None) if not named else None
        result.problems.append(_missing(role, headings, best) if empty is None else _empty(role, empty, best))


def column_is_free(result: Assignment, column: int) -> bool:
    """Whether the column plays no role."""
    return column not in result.reasons


def _names(role: str, heading: str) -> bool:
    return any(meaning.role == role and meaning.tier >= 2 for meaning in meanings(heading))


def _unfit(role: str, heading: str, content: Content) -> str:
    """The heading is right and the cells are wrong."""
    wanted = {
        "purchased_at": _("dates, such as 2026-03-31 or 31.03.2026 18:30"),
        "amount": _("numbers, such as 1234.50 or 1 234,50"),
        "customer_id": _("a card, phone, code or e-mail that tells customers apart"),
    }[role]
    return _(
        "Column “{column}” should hold {wanted}, but most of its cells do not, for example {value!r}. "
        "Mend them, or name another column: {option}."
    ).format(column=heading, wanted=wanted, value=content.samples[0], option=map_option(role, "…"))


def _empty(role: str, heading: str, best: Sequence[str]) -> str:
    """The heading is right and nothing stands below it."""
    choices = _(" or ").join(map_option(role, each) for each in best or ("…",))
    return _("Column “{column}” is empty. Fill it, or name another column: {choices}.").format(
        column=heading, choices=choices
    )


def _could_be(role: str, content: Content) -> bool:
    if role == "customer_id":
        return fits(role, content) and content.fractions < 0.05 and content.dates < 0.5
    return fits(role, content) and not (role == "amount" and content.dates > 0.8)


def _missing(role: str, headings: Sequence[str], best: Sequence[str]) -> str:
    found = _("No column for {role} was recognised among {columns}.").format(role=role, columns=quoted(headings))
    if best:
        choices = _(" or ").join(map_option(role, heading) for heading in best)
        return found + " " + _("Name it: {choices}.").format(choices=choices)
    return (
        found
        + " "
        + _("None of them holds fitting values: {need}. If one does all the same, name it: {option}.").format(
            need=_need(role), option=map_option(role, "…")
        )
    )


def _need(role: str) -> str:
    return {
        "customer_id": _("a card, phone, code or e-mail that tells customers apart"),
        "purchased_at": _("dates"),
        "amount": _("numbers"),
    }[role]
