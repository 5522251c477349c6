"""What the ids of the analyses are called, in the language of the reader."""

from regulars.core.i18n import gettext as _
from regulars.core.i18n import pgettext
from regulars.report import words

OURS = "#"  # before names that the application gives to attributes of customers


def _pick(names: dict[str, str], key: str) -> str:
    # an id that is newer than this page is shown as it is rather than breaking the page
    return names[key] if key in names else words.name(key.replace("_", " "))


def state(key: str) -> str:
    """A state of the lifecycle."""
    return _pick(
        {
            "new": pgettext("customers", "New"),
            "regular": pgettext("customers", "Regular"),
            "won_back": pgettext("customers", "Won back"),
            "slipping": pgettext("customers", "Slipping"),
            "lost": pgettext("customers", "Lost"),
        },
        key,
    )


def state_meaning(key: str) -> str:
    """One line under the name of a state."""
    return _pick(
        {
            "new": _("first purchase recently, too early to tell"),
            "regular": _("still coming at their usual pace"),
            "won_back": _("were lost, and have come back"),
            "slipping": _("silent for longer than is usual for them"),
            "lost": _("silent for so long that few of their kind return"),
        },
        key,
    )


def lost_part(key: str) -> str:
    """A way of losing money."""
    return _pick(
        {
            "lost": _("Left for good"),
            "shrunken": _("Still come, but more rarely"),
            "never_returned": _("Came once and never returned"),
        },
        key,
    )


def segment(key: str) -> str:
    """A segment of RFM."""
    return _pick(
        {
            "champions": pgettext("segment", "Champions"),
            "loyal": pgettext("segment", "Loyal"),
            "promising": pgettext("segment", "Promising"),
            "new": pgettext("segment", "Newcomers"),
            "need_attention": pgettext("segment", "Need attention"),
            "about_to_sleep": pgettext("segment", "About to sleep"),
            "at_risk": pgettext("segment", "At risk"),
            "cannot_lose": pgettext("segment", "Cannot lose them"),
            "hibernating": pgettext("segment", "Hibernating"),
        },
        key,
    )


def segment_meaning(key: str) -> str:
    """Who is in a segment of RFM and what to do about them."""
    return _pick(
        {
            "champions": _("buy recently, often and for much: thank them, do not discount"),
            "loyal": _("come often: suggest more, ask for reviews"),
            "promising": _("came recently, several visits: help the habit form"),
            "new": _("came recently, once: bring about the second visit"),
            "need_attention": _("used to come well, now in the middle: remind them"),
            "about_to_sleep": _("few visits, fading: a light reminder"),
            "at_risk": _("used to come or spend well, long silent: win them back"),
            "cannot_lose": _("were among the best, long silent: call in person"),
            "hibernating": _("few visits, little money, long silent: spend nothing"),
        },
        key,
    )


def loyalty_stage(key: str) -> str:
    """A stage of the loyalty pyramid."""
    return _pick(
        {
            "knows_us": pgettext("loyalty", "Knows us"),
            "knows_products": pgettext("loyalty", "Knows our products"),
            "buys": pgettext("loyalty", "Buys"),
            "satisfied": pgettext("loyalty", "Satisfied"),
            "prefers": pgettext("loyalty", "Prefers us"),
            "recommends": pgettext("loyalty", "Recommends us"),
        },
        key,
    )


def loyalty_stage_meaning(key: str) -> str:
    """How a stage is seen, or what would show it."""
    return _pick(
        {
            "knows_us": _("all buyers, and nobody knows how many more: ask passers-by, count visitors of the site"),
            "knows_products": _("all buyers and some others: ask in a questionnaire what they have heard of"),
            "buys": _("at least one purchase in the year"),
            "satisfied": _("came back in time at least once"),
            "prefers": _("comes steadily, still does, and for more than one thing"),
            "recommends": _("ask “who sent you?” at the till, or start a referral programme"),
        },
        key,
    )


def opportunity(key: str) -> str:
    """What could be done."""
    return _pick(
        {
            "hold_slipping": _("Hold those who are slipping"),
            "win_back_lost": _("Win back the lost"),
            "second_purchase": _("Bring first-time buyers to a second purchase"),
            "raise_frequency": _("Invite big spenders to come more often"),
            "raise_check": _("Raise the check of those who spend little"),
        },
        key,
    )


def score(key: str) -> str:
    """A way to tell who is still there."""
    return _pick(
        {
            "hiatus": _("Days since the last visit"),
            "own_interval": _("Silence against the customer’s own interval"),
            "mbg_nbd_p_alive": _("MBG/NBD: chance of still being a customer"),
            "mbg_nbd_rate": _("MBG/NBD: chance × pace of visits"),
            "mbg_cnbd_k_p_alive": _("MBG/CNBD-k: chance of still being a customer"),
            "mbg_cnbd_k_rate": _("MBG/CNBD-k: chance × pace of visits"),
        },
        key,
    )


def dimension(key: str) -> str:
    """How customers are divided."""
    return _pick(
        {
            "first_store": _("Store of the first purchase"),
            "first_channel": _("Channel of the first purchase"),
            "first_product": _("Product of the first purchase"),
            "first_category": _("Category of the first purchase"),
            "rfm_segment": _("RFM segment"),
            "state": _("State"),
        },
        key,
    )


def effect(key: str) -> str:
    """What changed the revenue."""
    return _pick(
        {
            "won": _("New customers"),
            "returned": _("Customers who came back after a break"),
            "lost": _("Customers who stopped coming"),
            "frequency": _("How often they buy"),
            "breadth": _("Items in a receipt"),
            "check": _("Price of an item"),
            "without_customer": _("Sales without a customer"),
            "returns_only": _("Returns by those who bought nothing"),
        },
        key,
    )


def column(key: str) -> str:
    """A column of a list of people."""
    return _pick(
        {
            "customer_id": _("Customer"),
            "first_on": _("First visit"),
            "last_on": _("Last visit"),
            "visits": _("Visits"),
            "amount": _("Spent"),
            "mean_check": _("Mean check"),
            "recency_days": _("Days since the last visit"),
            "visit_period_days": _("Usual interval, days"),
            "return_chance": _("Chance to return"),
            "missed_amount": _("Missed in the year"),
            "opportunity_amount": _("Possible gain"),
            "expected_value_12": _("Expected in 12 months"),
            "state": _("State"),
            "rfm_segment": _("RFM segment"),
            "first_store": _("First store"),
            "first_channel": _("First channel"),
            "first_category": _("First category"),
        },
        key,
    )


def role(key: str) -> str:
    """A role of a column in the user's file."""
    return _pick(
        {
            "customer_id": _("customer"),
            "purchased_at": _("date of purchase"),
            "purchased_on": _("date of purchase"),
            "time": _("time of purchase"),
            "amount": _("amount"),
            "price": _("price"),
            "receipt_id": _("receipt number"),
            "product_id": _("product code"),
            "product": _("product"),
            "category": _("category"),
            "quantity": _("quantity"),
            "discount": _("discount"),
            "cost": _("cost"),
            "store": _("store"),
            "staff": _("member of staff"),
            "channel": _("channel"),
            "promotion": _("promotion"),
        },
        key,
    )


def analysis(key: str) -> str:
    """An analysis that may be left out."""
    return _pick(
        {
            "profile": _("Who the best customers are"),
            "demand": _("Demand"),
            "pyramid": _("Loyalty pyramid"),
            "cohorts": _("Cohorts"),
            "check": _("Average check"),
            "pillars": _("Frequency, basket and price"),
            "visit_period": _("Interval between visits"),
            "revenue_change": _("Change of revenue"),
            "backtest": _("Check of the score on the past"),
            "needs": _("What is needed next"),
            "bought_together": _("Bought together"),
            "bought_in_sequence": _("Bought in sequence"),
            "jobs": _("Jobs to be done"),
            "trials": _("Who may try something new"),
            "lost_last_year": _("Lost last year"),
            "opportunities": _("Opportunities"),
            "entry": _("What newcomers begin with"),
            "exits": _("What regulars buy last"),
            "service": _("People and places"),
            "discounts": _("Habits of discounts"),
            "price_response": _("Answer of demand to prices and offers"),
            "minimum_order": _("Minimum order worth a bonus"),
            "assortment": _("Assortment of the best customers"),
            "slowing": _("Early warning of rarer visits"),
            "model:mbg_nbd": _("MBG/NBD, the model of visits"),
            "model:gamma_gamma": _("Gamma-Gamma, the model of the check"),
        },
        key,
    )


def model(key: str) -> str:
    """A fitted model."""
    return _pick(
        {
            "mbg_nbd": _("MBG/NBD, the model of visits"),
            "gamma_gamma": _("Gamma-Gamma, the model of the check"),
            "mbg_cnbd_k": _("MBG/CNBD-k, the model of regular visits"),
            "bg_nbd": _("BG/NBD, the model of visits"),
            "pareto_nbd": _("Pareto/NBD, the model of visits"),
        },
        key,
    )


def given(text: str) -> str:
    """An attribute of customers or one of its values: what the application named itself begins with a sign."""
    key, _colon, name = text.partition(":")
    if key == OURS + "tag" and name:
        return _("Tag “{name}”").format(name=words.name(name))
    return _ours().get(text) or words.name(text)


def is_ours(text: str) -> bool:
    """Whether `given` finds words of ours for it."""
    return text.startswith(OURS + "tag:") or text in _ours()


def _ours() -> dict[str, str]:
    known = {
        "kind": _("Kind"),
        "sex": _("Sex"),
        "birth": _("Year of birth"),
        "language": _("Language"),
        "owner": _("Manager"),
        "nobody": _("nobody"),
        "source": _("Source"),
        "yes": _("yes"),
        "no": _("no"),
        "f": _("Woman"),
        "m": _("Man"),
        "person": _("Person"),
        "company": _("Company"),
        "intermediary": _("Intermediary"),
        "supplier": _("Supplier"),
        "partner": _("Partner"),
        "employee": _("Employee"),
        "competitor": _("Competitor"),
    }
    return {OURS + key: title for key, title in known.items()}
