"""Every section of `audit.json`, member by member."""

from typing import Any

from regulars.analytics.lifecycle import STATES
from regulars.report.chapters.common import rows_of
from regulars.report.json_reasons import REASONS
from regulars.report.json_shape import (
    BOOLEAN,
    DATE,
    INTEGER,
    MONEY,
    NUMBER,
    SHARE,
    STRING,
    Field,
    Get,
    Kind,
    attribute,
    estimate,
    list_of,
    map_of,
    object_of,
    sorted_rows,
)
from regulars.report.sentences import action, sentence
from regulars.report.words import Purse

SCHEMA_VERSION = "1.2"

# the latest cohorts and their first months: the rest is history that no program reads
_COHORTS = 36


def _cohort_rows(cohorts: Any) -> list[dict[str, Any]]:
    rows = rows_of(
        cohorts.table.filter(cohorts.table.month_no <= _COHORTS).order_by(["cohort", "month_no"]), limit=50_000
    )
    latest = sorted({row["cohort"] for row in rows})[-_COHORTS:]
    return [row for row in rows if row["cohort"] in latest]


def _findings(audit: Any) -> list[dict[str, Any]]:
    purse = Purse(audit.currency)
    return [
        {
            "id": one.id,
            "chapter": one.chapter,
            "kind": one.kind,
            "customers": one.customers,
            "money": one.money,
            "evidence": one.evidence.strength,
            "cases": one.evidence.cases,
            "q_value": one.evidence.q_value,
            "text": sentence(one, purse),
            "action": action(one, purse),
        }
        for one in audit.reasons.findings
    ]


READING = object_of(
    attribute("rows_read", INTEGER, "Rows of the files; accepted + rejected + repeated."),
    attribute("rows_accepted", INTEGER, "Rows that make up the history."),
    attribute("rows_rejected", INTEGER, "Rows that cannot be understood."),
    attribute("rows_repeated", INTEGER, "Rows identical to one that another file has given."),
    attribute("rows_without_customer", INTEGER, "Accepted rows that name nobody."),
    Field("files", list_of(STRING), "Files in the order of reading.", lambda reading: reading.files),
    attribute("columns", map_of(STRING), "Role -> heading in the file."),
    Field(
        "notices",
        list_of(
            object_of(
                attribute("kind", STRING, "Stable id of the notice."),
                attribute("rows", INTEGER, "Accepted rows that it is about."),
                attribute("example", STRING, "One real example.", optional=True),
                attribute("estimated", BOOLEAN, "Counted on a sample."),
            )
        ),
        "What a person should know about accepted rows.",
        lambda reading: reading.notices,
    ),
    Field(
        "reject_reasons",
        map_of(INTEGER),
        "Reason -> rejected rows.",
        lambda reading: dict(sorted(reading.reject_reasons.items())),
    ),
    attribute("rejects_file", STRING, "File with every rejected row.", optional=True),
)

BASE = object_of(
    attribute("customers", INTEGER, "Known customers with at least one visit."),
    attribute("receipts", INTEGER, "Receipts with at least one position sold."),
    attribute("lines", INTEGER, "Positions sold."),
    attribute("revenue", MONEY, "Net of returns, all buyers."),
    attribute("revenue_without_customer", MONEY, "Part of `revenue` that names nobody."),
    attribute("returned", MONEY, "Money handed back, as a positive number."),
    attribute("margin", MONEY, "Gross margin.", optional=True),
    attribute("margin_share", NUMBER, "`margin` as a share of revenue.", optional=True),
    attribute("margin_source", STRING, "`cost` (from the lines) or `share` (given by the user).", optional=True),
    attribute("costed_share", NUMBER, "Share of revenue whose cost is known.", optional=True),
    attribute("new_customers", INTEGER, "First seen in the last 365 days, after the first window of the history."),
    attribute("new_share", SHARE, "Of customers active in that time.", optional=True),
    attribute("top_fifth_share", SHARE, "Share of customers' money that the best 20 % of them bring."),
    attribute("gini", NUMBER, "Gini coefficient of customers' money."),
    Field(
        "customer_abc",
        list_of(
            object_of(
                attribute("abc", STRING, "A: first 80 % of the money, B: next 15 %, C: the rest."),
                attribute("customers", INTEGER, "Customers of the class."),
                attribute("amount", MONEY, "What they have spent."),
                attribute("share", NUMBER, "Share of customers' money."),
            )
        ),
        "Customers by class.",
        sorted_rows(lambda base: base.customer_abc, "abc"),
    ),
    Field(
        "product_abc",
        list_of(
            object_of(
                attribute("abc", STRING, "Class by revenue; null: lines without a product.", optional=True),
                attribute("xyz", STRING, "Class by variation of demand; null: too new.", optional=True),
                attribute("products", INTEGER, "Products."),
                attribute("amount", MONEY, "Revenue."),
                attribute("share", NUMBER, "Share of revenue."),
            )
        ),
        "Products by class; null without products.",
        sorted_rows(lambda base: base.product_abc, "abc", "xyz"),
        optional=True,
    ),
    Field(
        "months",
        list_of(
            object_of(
                attribute("month", DATE, "First day of the month."),
                attribute("revenue", MONEY, "All buyers."),
                attribute("known_revenue", MONEY, "Known customers."),
                attribute("receipts", INTEGER, "Receipts."),
                attribute("customers", INTEGER, "Known customers who bought."),
                attribute("new_customers", INTEGER, "Of them, for the first time."),
            )
        ),
        "Calendar months; the first and the last may be incomplete.",
        sorted_rows(lambda base: base.months, "month"),
    ),
)


def _by_state(member: str, kind: Kind, text: str) -> Kind:
    def read(state: str) -> Get:
        return lambda states: getattr(states[state], member)

    return object_of(*(Field(state, kind, text.format(state=state), read(state)) for state in STATES))


LIFECYCLE = object_of(
    attribute("window_days", INTEGER, "The business's own window: who is still a customer comes back within it."),
    attribute("score", STRING, "The score that won the back-test."),
    *estimate("auc", SHARE, "How often the score tells who comes back from who does not; null when untested."),
    attribute("reason", STRING, "Why there is no back-test.", optional=True),
    attribute("fresh_chance", SHARE, "Chance of a repeat customer who has just visited to return.", optional=True),
    *estimate("false_alarms", SHARE, "Share of those called lost who came back within the window."),
    attribute("slipping_after_days", INTEGER, "Days of silence, when the score is `hiatus`.", optional=True),
    attribute("lost_after_days", INTEGER, "Days of silence, when the score is `hiatus`.", optional=True),
    Field(
        "states",
        _by_state("customers", INTEGER, "Customers who are {state}."),
        "State -> customers.",
        lambda lifecycle: lifecycle.states,
    ),
    Field(
        "states_money",
        _by_state("amount_year", MONEY, "Spent in the last 365 days by those who are {state}."),
        "State -> money of the last 365 days.",
        lambda lifecycle: lifecycle.states,
    ),
    Field(
        "candidates",
        list_of(
            object_of(
                attribute("score", STRING, "Id of the score."),
                *estimate("auc", SHARE, "Its AUC; null when it could not run."),
                attribute("reason", STRING, "Why it could not run.", optional=True),
            )
        ),
        "Scores of the back-test, simplest first.",
        lambda lifecycle: lifecycle.candidates,
    ),
    Field(
        "called_lost",
        list_of(
            object_of(
                attribute("origin", DATE, "The day in the past."),
                attribute("customers", INTEGER, "Customers called lost on that day."),
                attribute("came_back", INTEGER, "Of them, came back within the window."),
                attribute("amount", MONEY, "What they then spent."),
            )
        ),
        "What became of those whom the score called lost.",
        lambda lifecycle: lifecycle.called_lost,
    ),
)

LOST = object_of(
    attribute("since", DATE, "First day of the period; it ends with `as_of`."),
    attribute("customers", INTEGER, "Customers with a loss."),
    *estimate("money", MONEY, "Revenue missed: the sum of the parts."),
    Field(
        "margin",
        object_of(*estimate("money", MONEY, "Margin missed.", lambda margin: margin)),
        "The same in margin; null when the margin is not known.",
        lambda lost: lost.margin,
        optional=True,
    ),
    Field(
        "parts",
        map_of(
            object_of(
                attribute("customers", INTEGER, "Customers of the part."),
                *estimate("money", MONEY, "Revenue missed through them."),
                attribute("reason", STRING, "Why the part could not be computed.", optional=True),
            )
        ),
        "`lost`, `never_returned`, `shrunken`.",
        lambda lost: dict(sorted(lost.parts.items())),
    ),
)

NEWCOMERS = object_of(
    attribute("customers", INTEGER, "First seen after the first window and at least one window ago."),
    attribute("never_returned", INTEGER, "Of them, without a second visit up to `as_of`."),
    *estimate("share", SHARE, "never_returned / customers."),
    attribute("first_amount", MONEY, "What those who never returned have brought."),
    attribute("returned_in_window", INTEGER, "Newcomers with a second visit within the window."),
    attribute("observed_two_windows", INTEGER, "Newcomers first seen two windows ago or earlier."),
    attribute("became_regular", INTEGER, "Of these, with three visits within two windows."),
    *estimate("regular_share", SHARE, "became_regular / observed_two_windows."),
    *estimate("trend_per_month", NUMBER, "Change of the share that did not return in the window, per month."),
    Field(
        "months",
        list_of(
            object_of(
                attribute("month", DATE, "Month of the first visit."),
                attribute("customers", INTEGER, "Newcomers."),
                attribute("never_returned", INTEGER, "No second visit up to `as_of`."),
                attribute("returned_in_window", INTEGER, "Second visit within the window."),
                attribute("share", SHARE, "Share that did not return within the window."),
            )
        ),
        "By month of the first visit.",
        sorted_rows(lambda newcomers: newcomers.months, "month"),
    ),
)

COHORTS = object_of(
    Field(
        "table",
        list_of(
            object_of(
                attribute("cohort", DATE, "Month of the first visit."),
                attribute("month_no", INTEGER, "Calendar months since."),
                attribute("customers", INTEGER, "Customers of the cohort."),
                attribute("active", INTEGER, "Of them, bought in that month."),
                attribute("revenue", MONEY, "What they spent in it."),
                attribute("active_share", SHARE, "active / customers."),
            )
        ),
        f"The latest {_COHORTS} cohorts, months 0 to {_COHORTS}.",
        _cohort_rows,
    ),
    Field(
        "survival",
        object_of(
            attribute("alpha", NUMBER, "Parameter of the shifted beta-geometric."),
            attribute("beta", NUMBER, "Parameter of the shifted beta-geometric."),
            attribute("customers", INTEGER, "Customers that it rests on."),
            Field(
                "curve",
                list_of(
                    object_of(
                        attribute("month", INTEGER, "Months since the first visit."),
                        attribute("observed", SHARE, "Still a customer, product-limit estimate.", optional=True),
                        attribute("projected", SHARE, "Still a customer, by the model."),
                    )
                ),
                "Share still there by month.",
                sorted_rows(lambda survival: survival.curve, "month"),
            ),
        ),
        "How long customers stay.",
        lambda cohorts: cohorts.survival,
        optional=True,
    ),
    attribute("survival_reason", STRING, "Why there is no survival.", optional=True),
)

LTV = object_of(
    attribute("basis", STRING, "`margin` or `revenue`: what value means here."),
    attribute("discount_rate", NUMBER, "A year."),
    *estimate("historic_mean", MONEY, "What a customer has brought so far."),
    Field(
        "expected",
        map_of(object_of(*estimate("money", MONEY, "Mean per present customer, discounted.", lambda value: value))),
        "Months ahead -> expected value of a present customer.",
        lambda ltv: ltv.expected,
        optional=True,
    ),
    attribute("expected_total", map_of(MONEY), "Months ahead -> the same for all customers together.", optional=True),
    Field(
        "newcomer",
        map_of(object_of(*estimate("money", MONEY, "First purchase included, discounted.", lambda value: value))),
        "Months -> what a new customer brings: the most that winning one may cost.",
        lambda ltv: ltv.newcomer,
        optional=True,
    ),
    attribute("newcomer_reason", STRING, "Why there is no forecast for newcomers.", optional=True),
    Field(
        "payback",
        list_of(
            object_of(
                attribute("month", INTEGER, "Months since the first visit."),
                attribute("observed", MONEY, "Cumulative value per newcomer.", optional=True),
                attribute("modelled", MONEY, "The same by the model.", optional=True),
            )
        ),
        "How fast a newcomer pays back.",
        sorted_rows(lambda ltv: ltv.payback, "month"),
        optional=True,
    ),
    attribute("first_days", INTEGER, "Length of the period behind `segments[].value_first`.", optional=True),
    Field(
        "segments",
        list_of(
            object_of(
                attribute("dimension", STRING, "How customers are divided."),
                attribute("segment", STRING, "The value."),
                attribute("customers", INTEGER, "Customers."),
                attribute("historic_mean", MONEY, "Brought so far, each.", optional=True),
                attribute("expected_12", MONEY, "Expected in 12 months, each.", optional=True),
                attribute("value_first", MONEY, "What its newcomers brought in `first_days`.", optional=True),
                attribute("low", MONEY, "Lower end of the 95 % interval of `value_first`.", optional=True),
                attribute("high", MONEY, "Upper end of the 95 % interval of `value_first`.", optional=True),
            )
        ),
        "The largest segments of each dimension.",
        sorted_rows(lambda ltv: ltv.segments, "dimension", "segment"),
        optional=True,
    ),
    Field(
        "holdout",
        object_of(
            attribute("customers", INTEGER, "Customers of the sample."),
            attribute("predicted", NUMBER, "Visits foretold for the last window."),
            attribute("actual", INTEGER, "Visits that came."),
        ),
        "The model of visits against what came.",
        lambda ltv: ltv.holdout,
        optional=True,
    ),
    attribute("reason", STRING, "Why there is no forecast.", optional=True),
)

CHECK = object_of(
    attribute("receipts", INTEGER, "Receipts that brought money."),
    *estimate("mean", MONEY, "Mean check."),
    *estimate("median", MONEY, "Median check."),
    *estimate("trimmed", MONEY, "Mean without a tenth at each end."),
    Field(
        "months",
        list_of(
            object_of(
                attribute("month", DATE, "First day of the month."),
                attribute("receipts", INTEGER, "Receipts."),
                attribute("mean", MONEY, "Mean check.", optional=True),
                attribute("median", MONEY, "Median check.", optional=True),
            )
        ),
        "By calendar month.",
        sorted_rows(lambda check: check.months, "month"),
    ),
    Field(
        "histogram",
        list_of(
            object_of(
                attribute("low", MONEY, "From, included."),
                attribute("high", MONEY, "To, excluded; in the last bin the largest check."),
                attribute("receipts", INTEGER, "Receipts."),
            )
        ),
        "Receipts by size.",
        sorted_rows(lambda check: check.histogram, "low"),
    ),
)

PILLARS = object_of(
    Field(
        "periods",
        list_of(
            object_of(
                attribute("period", STRING, "`previous` or `last`."),
                attribute("starts_on", DATE, "First day."),
                attribute("ends_on", DATE, "Last day."),
                attribute("customers", INTEGER, "Customers with a visit."),
                attribute("visits_per_customer", NUMBER, "Frequency.", optional=True),
                attribute("receipts", INTEGER, "Receipts."),
                attribute("lines_per_receipt", NUMBER, "Breadth: positions in a receipt.", optional=True),
                attribute("amount_per_line", MONEY, "Money per position.", optional=True),
                attribute("check", MONEY, "Money per receipt.", optional=True),
                attribute("revenue", MONEY, "Of known customers."),
            )
        ),
        "Purchase activity of known customers in two equal periods.",
        sorted_rows(lambda pillars: pillars.table, "starts_on"),
    )
)

VISIT_PERIOD = object_of(
    attribute("customers", INTEGER, "Customers with two visits or more."),
    *estimate("median_days", NUMBER, "Median of their mean gaps.", lambda period: period.median),
    Field(
        "segments",
        list_of(
            object_of(
                attribute("rfm_segment", STRING, "RFM segment."),
                attribute("customers", INTEGER, "Customers."),
                attribute("p25_days", NUMBER, "A quarter comes more often."),
                attribute("median_days", NUMBER, "Half come more often."),
                attribute("p75_days", NUMBER, "Three quarters come more often."),
            )
        ),
        "By RFM segment.",
        sorted_rows(lambda period: period.segments, "rfm_segment"),
    ),
    Field(
        "quarters",
        list_of(
            object_of(
                attribute("quarter", DATE, "First day of the quarter."),
                attribute("visits", INTEGER, "Repeat visits."),
                attribute("median_days", NUMBER, "Median gap that ended in it.", optional=True),
            )
        ),
        "By quarter.",
        sorted_rows(lambda period: period.quarters, "quarter"),
    ),
    Field(
        "frequent_potential",
        INTEGER,
        "Customers with a check in the top quarter who come more rarely than the median.",
        lambda period: period.frequent_potential.count().to_pyarrow().as_py(),
    ),
)


def _period(name: str) -> Kind:
    return object_of(
        Field("starts_on", DATE, "First day.", lambda change: getattr(change, name)[0]),
        Field("ends_on", DATE, "Last day.", lambda change: getattr(change, name)[1]),
        Field("revenue", MONEY, "Net revenue of all buyers.", lambda change: getattr(change, f"{name}_revenue")),
    )


REVENUE_CHANGE = object_of(
    Field("previous", _period("previous"), "The earlier period.", lambda change: change),
    Field("last", _period("last"), "The later period, ends with `as_of`.", lambda change: change),
    attribute("effects", map_of(MONEY), "Effect -> money; they sum exactly to the difference."),
    attribute("customers", map_of(INTEGER), "`won`, `returned`, `lost`, `kept` -> customers."),
)

RFM = object_of(
    Field(
        "cuts",
        object_of(
            attribute("recency_days", list_of(NUMBER), "Largest values that earn scores 2 to 5."),
            attribute("visits", list_of(NUMBER), "Smallest values that earn scores 2 to 5."),
            attribute("amount", list_of(MONEY), "Smallest values that earn scores 2 to 5."),
        ),
        "Where scores begin.",
        lambda rfm: rfm.cuts,
    ),
    Field(
        "segments",
        list_of(
            object_of(
                attribute("rfm_segment", STRING, "Id of the segment."),
                attribute("customers", INTEGER, "Customers."),
                attribute("amount", MONEY, "What they have spent."),
                attribute("amount_share", NUMBER, "Share of customers' money."),
                attribute("median_recency_days", NUMBER, "Median days since the last visit."),
                attribute("mean_visits", NUMBER, "Mean number of visits."),
            )
        ),
        "Segments.",
        sorted_rows(lambda rfm: rfm.segments, "rfm_segment"),
    ),
)

OPPORTUNITIES = list_of(
    object_of(
        attribute("id", STRING, "What could be done."),
        attribute("customers", INTEGER, "Customers with something at stake."),
        *estimate("money", MONEY, "Over the next 12 months: at_stake × assumed_share."),
        attribute("at_stake", MONEY, "If it worked with everybody."),
        attribute("assumed_share", SHARE, "The assumption: with how many of them it works."),
        Field(
            "share_source",
            STRING,
            "Where the share comes from: `assumption` until a campaign with a control group has measured it.",
            lambda _item: "assumption",
        ),
        attribute("profit", MONEY, "Money times the margin, less the contacts.", optional=True),
        attribute("control_group", INTEGER, "People to leave alone to prove the result.", optional=True),
        attribute("within_budget", INTEGER, "Customers whom the budget reaches.", optional=True),
    )
)

FINDINGS = list_of(
    object_of(
        attribute("id", STRING, "Stable from run to run, such as `entry:product:4711`."),
        attribute("chapter", STRING, "The analysis that found it."),
        attribute("kind", STRING, "The kind of finding, for programs."),
        attribute("customers", INTEGER, "Customers that it is about."),
        *estimate("money", MONEY, "Over the next 12 months, what acting on it could bring or save at best."),
        attribute("evidence", STRING, "How sure it is: `strong`, `moderate`, `tested` or `assumed`."),
        attribute("cases", INTEGER, "Observations behind it.", optional=True),
        attribute("q_value", NUMBER, "False discovery rate at which it would just be reported.", optional=True),
        attribute("text", STRING, "The finding, in the language of the run."),
        attribute("action", STRING, "What to do about it, in the same language."),
    )
)

COMPARISONS = list_of(
    object_of(
        attribute("analysis", STRING, "What was compared."),
        attribute("compared", INTEGER, "How many."),
        attribute("raw_significant", INTEGER, "Different at 5 % before the correction for many comparisons."),
        attribute("reported", INTEGER, "Left after the correction."),
    )
)

MODELS = map_of(
    object_of(
        attribute("parameters", map_of(NUMBER), "Parameter -> value."),
        attribute("standard_errors", map_of(NUMBER), "Parameter -> standard error; null when not identified."),
        attribute("log_likelihood", NUMBER, "At the maximum."),
        attribute("customers", INTEGER, "Customers that it was fitted on."),
        attribute("unit", STRING, "Unit of its times (`week`) or of its money (the currency)."),
    )
)

AUDIT = object_of(
    Field(
        "schema_version", STRING, "Version of this format: grows with every change of it.", lambda _a: SCHEMA_VERSION
    ),
    attribute("as_of", DATE, "The day at whose end the audit stands."),
    attribute("first_day", DATE, "First day of the history."),
    attribute("currency", STRING, "ISO 4217 code. Money is in whole units of it, exact to the minor unit."),
    Field("input", READING, "How the files were read.", lambda audit: audit.reading),
    attribute("base", BASE, "What there is."),
    attribute("lifecycle", LIFECYCLE, "Who is active, slipping, lost."),
    Field(
        "lost_last_year",
        LOST,
        "Money missed in the last 365 days; null when the base is too small to name any.",
        lambda audit: None if audit.lost_last_year.reason else audit.lost_last_year,
        optional=True,
    ),
    attribute("newcomers", NEWCOMERS, "Do newcomers come back."),
    attribute("cohorts", COHORTS, "Customers by month of the first visit.", optional=True),
    attribute("ltv", LTV, "What a customer is worth."),
    attribute("check", CHECK, "The average check.", optional=True),
    attribute("pillars", PILLARS, "Frequency, breadth, check.", optional=True),
    attribute("visit_period", VISIT_PERIOD, "How often customers come.", optional=True),
    attribute("revenue_change", REVENUE_CHANGE, "Why revenue changed.", optional=True),
    attribute("rfm", RFM, "Recency, frequency, money."),
    Field(
        "opportunities",
        OPPORTUNITIES,
        "What to do first, by expected profit; each customer once.",
        lambda audit: audit.opportunities.items,
    ),
    Field("findings", FINDINGS, "What is worth knowing and acting upon, most money first.", _findings),
    Field(
        "comparisons",
        COMPARISONS,
        "How much was compared to find it.",
        lambda audit: audit.reasons.comparisons,
    ),
    *REASONS,
    attribute("models", MODELS, "Fitted customer models."),
    attribute("skipped", map_of(STRING), "Analysis left out -> one sentence that says why."),
)
