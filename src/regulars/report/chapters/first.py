"""What to do first? Opportunities by money, each with its assumption."""

from regulars.analytics.opportunities import HIGH_CHECK, MENDED_FOR_ALL, Opportunity
from regulars.core.i18n import gettext as _
from regulars.core.i18n import ngettext
from regulars.report import names, words
from regulars.report.blocks import Bar, Bars, Block, Cell, Chapter, Column, Explained, Table, Text
from regulars.report.chapters.common import Context, likely, number, people, share, table, whisker
from regulars.report.sentences.titles import title as title_of

_FIRST_PAGE = 5  # opportunities on the page of headlines
_SMALL = 0.01  # of the whole: below it an opportunity is a line of a table


def chapter(context: Context) -> Chapter:
    """Opportunities."""
    items = context.audit.opportunities.items
    if not items:
        answer = context.audit.opportunities.reason or _(
            "No opportunity has anybody in it: there is nothing to suggest from this history."
        )
        return Chapter("first", _("What to do first?"), answer)
    blocks: list[Block] = [bars(context, with_people=True), *_small_ones(context), _proof(context), _closing()]
    return Chapter("first", _("What to do first?"), _answer(context), tuple(blocks))


def _answer(context: Context) -> str:
    items = context.audit.opportunities.items
    total = sum(item.money.value for item in items)
    return _("All of them together: {total} over the next 12 months. The first is “{name}”.").format(
        total=context.purse.about(total), name=title(items[0])
    )


def title(item: Opportunity) -> str:
    """What to do."""
    return names.opportunity(item.id) if item.finding is None else title_of(item.finding)


def assumption(item: Opportunity) -> str:
    """What the money of an opportunity rests on."""
    texts = {
        "raise_frequency": _("if a tenth of the missing visits happen"),
        "raise_check": _("if a tenth of the gap is closed"),
    }
    if item.id in texts and item.assumed_share == 0.1:
        return texts[item.id]
    if item.assumed_share == 1:
        return _("a modest share of success is counted in already")
    return _("if it works with {share} of them").format(share=words.percent(item.assumed_share))


def bars(context: Context, *, with_people: bool) -> Bars:
    """Opportunities, largest profit first; without people it is the short list of the first page."""
    items, purse = _worth_a_bar(context.audit.opportunities.items), context.purse
    items = items if with_people else items[:_FIRST_PAGE]
    widest = max((item.money.high for item in items), default=0.0)
    found = []
    for item in items:
        low, high = whisker(item.money, widest)
        found.append(
            Bar(
                label=title(item),
                note=", ".join([words.customers(item.customers), assumption(item)]),
                value=purse.about(item.money.value),
                interval=likely(purse.range(item.money)),
                end=share(item.money.value, widest),
                low=low,
                high=high,
                tone="good",
                people=context.people(f"opportunity:{item.id}", item.customers) if with_people else None,
            )
        )
    heading = _("Possible gain over the next 12 months") if with_people else ""
    return Bars(heading, tuple(found), Explained(rule(), _definition()) if with_people else None)


def _worth_a_bar(items: tuple[Opportunity, ...]) -> tuple[Opportunity, ...]:
    """Those that bring at least one part in a hundred of the whole; the order stays."""
    whole = sum(item.money.value for item in items)
    return tuple(item for item in items if item.money.value >= _SMALL * whole)


def _small_ones(context: Context) -> list[Table]:
    """What is left after the bars: true, and too little to begin with."""
    items = context.audit.opportunities.items
    small = _others(items, _worth_a_bar(items))
    if not small:
        return []
    caption = ngettext(
        "{n} more that brings less than a hundredth of the whole",
        "{n} more that bring less than a hundredth of the whole each",
        len(small),
    ).format(n=words.count(len(small)))
    return [
        table(
            caption,
            [Column(_("Opportunity")), number(_("Customers")), number(_("Possible gain"))],
            [
                (title(item), people(item.customers, f"opportunity:{item.id}"), context.purse.about(item.money.value))
                for item in small
            ],
            _("Their people are in customers.parquet, in the column “opportunity”."),
        )
    ]


def _others(items: tuple[Opportunity, ...], shown: tuple[Opportunity, ...]) -> tuple[Opportunity, ...]:
    """The items that are not among the shown ones."""
    ids = {item.id for item in shown}
    return tuple(item for item in items if item.id not in ids)


def _proof(context: Context) -> Table | Text:
    """What it takes to prove each, what it earns, and whom the budget reaches."""
    chances = context.audit.opportunities
    with_groups = any(item.control_group is not None for item in chances.items)
    with_profit = any(item.profit is not None for item in chances.items)
    if not (with_groups or with_profit or chances.budget):
        return _not_provable()
    columns = [Column(_("Opportunity")), number(_("Customers"), secondary=True), number(_("Control group"))]
    columns += [number(_("Profit"))] if with_profit else []
    columns += [number(_("Within the budget"))] if chances.budget else []
    rows = []
    for item in _worth_a_bar(chances.items):
        row: list[str | Cell] = [title(item), people(item.customers, f"opportunity:{item.id}"), _group(item)]
        row += [context.purse.about(item.profit or 0.0)] if with_profit else []
        row += ["—" if item.within_budget is None else words.count(item.within_budget)] if chances.budget else []
        rows.append(row)
    note = _(
        "The control group is how many, drawn by lot, to leave alone so that the assumed share of success can be told "
        "from chance. “Too few people”: chance would hide the result. “Before and after”: the cause is mended for "
        "everybody at once; compare with the time before."
    )
    if chances.budget:
        note += " " + _("A dash under the budget: mending the cause costs no contacts.")
    return table(_("How to prove it"), columns, rows, note)


def _group(item: Opportunity) -> str:
    if item.control_group is not None:
        return words.count(item.control_group)
    for_all = item.finding is not None and item.finding.kind in MENDED_FOR_ALL
    return _("before and after") if for_all else _("too few people")


def _not_provable() -> Text:
    return Text(
        (
            _(
                "Each of these lists is too short for a control group: chance would hide the result. Do it for "
                "everybody on the list and compare with the same customers before."
            ),
        ),
        title=_("How to prove it"),
    )


def rule() -> str:
    """The plain sentence under the opportunities."""
    return _("Money at stake times a modest share of success. Each customer is in one opportunity only.")


def _definition() -> str:
    return _(
        "At stake over 12 months, at each one's own pace and check. Slipping: the part of the money that the fallen "
        "chance to return endangers. Lost: the money of the former pace, times the chance that they have really left. "
        "Second purchase: what one more customer of this age would spend, times the chance that no visit follows by "
        "itself. More often: mean check in the top {top}, visits rarer than the median; the missing visits. Bigger "
        "check: mean check below the median; the missing money. Findings take part with their own money. Whoever is in "
        "several is counted where most is expected. The list is in order of profit where the margin is known, else of "
        "money. The control group is the smallest that shows the assumed share with a chance of 80%, at 5% error. The "
        "interval comes from drawing the customers anew and does not cover the assumed share."
    ).format(top=words.percent(1 - HIGH_CHECK))


def _closing() -> Text:
    return Text(
        (
            _(
                "Nobody knows the share of success before it has been tried. Leave a random control group alone, "
                "contact the rest, and compare the two after one window: the difference is what the action was worth, "
                "and the next estimate will rest on it."
            ),
        ),
        title=_("These are assumptions: check them"),
    )
