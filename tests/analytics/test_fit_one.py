"""One model on one history: the same as fitting the model on visits counted by hand."""

import datetime as dt
from collections import defaultdict
from functools import cache
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from regulars.analytics import clv
from regulars.analytics.fit_one import FITS, fit_one
from regulars.analytics.purchases import History
from regulars.core.errors import NotEnoughData
from regulars.demo.shops import Shop, generate_shop
from tests.analytics.purchase_rows import bought, history


@cache
def shop() -> Shop:
    return generate_shop("clinic", customers=900, days=900, return_share=0.02)


@cache
def shop_history() -> History:
    return history(shop().lines, currency="USD")


@cache
def money_by_day() -> dict[str, dict[dt.date, tuple[int, bool]]]:
    """Customer -> day -> (money of the day, whether something was bought)."""
    found: dict[str, dict[dt.date, tuple[int, bool]]] = defaultdict(dict)
    for row in shop().lines.to_pylist():
        on = row["purchased_at"].date()
        money, sold = found[row["customer_id"]].get(on, (0, False))
        found[row["customer_id"]][on] = (money + row["amount"], sold or row["amount"] > 0)
    return found


@cache
def visit_days() -> dict[str, list[dt.date]]:
    return {
        customer: sorted(on for on, (_money, sold) in mine.items() if sold) for customer, mine in money_by_day().items()
    }


@pytest.mark.parametrize("model", FITS)
def test_a_model_of_visits_sees_visit_days_and_nothing_else(model: str) -> None:
    end = shop().truth.end
    days = list(visit_days().values())
    gaps = [[(after - before).days for before, after in pairwise(mine)] for mine in days]
    counted = clv.Counted.from_days(
        [len(mine) - 1 for mine in days],
        [(mine[-1] - mine[0]).days for mine in days],
        [(end - mine[0]).days for mine in days],
        sum_log_gaps=[float(np.log(mine).sum()) if mine else 0.0 for mine in gaps],
        unit_days=30.0,
    )
    fitted = fit_one(shop_history(), model, until=None, unit_days=30.0)
    assert fitted.until == pc.max(shop().lines["purchased_at"]).as_py().date()
    expected = FITS[model](counted)
    assert fitted.fit.name == model
    assert fitted.fit.unit_days == 30.0
    assert fitted.fit.customers == len(days)
    assert fitted.fit.parameters == pytest.approx(expected.parameters, rel=1e-4)
    assert fitted.fit.log_likelihood == pytest.approx(expected.log_likelihood, abs=1e-2)


def test_it_sees_nothing_after_until() -> None:
    until = shop().plan.start + dt.timedelta(days=600)
    known = shop().lines.filter(pc.less(shop().lines["purchased_at"], pa.scalar(dt.datetime.combine(until, dt.time()))))
    last = pc.max(known["purchased_at"]).as_py().date()
    early = fit_one(shop_history(), "mbg_nbd", until=last, unit_days=7.0)
    assert early == fit_one(history(known, currency="USD"), "mbg_nbd", until=None, unit_days=7.0)
    assert early.until == last < shop().truth.end


def test_gamma_gamma_sees_the_mean_value_of_repeat_visits_in_currency_units() -> None:
    values = [[money_by_day()[customer][on][0] for on in days[1:]] for customer, days in visit_days().items()]
    repeats = [mine for mine in values if mine and sum(mine) > 0]
    expected = clv.fit_gamma_gamma([len(mine) for mine in repeats], [sum(mine) / len(mine) / 100 for mine in repeats])
    fitted = fit_one(shop_history(), "gamma_gamma", until=None, unit_days=7.0).fit
    assert fitted.customers == len(repeats)
    assert fitted.parameters == pytest.approx(expected.parameters, rel=1e-4)


def test_a_history_without_lines_is_refused() -> None:
    with pytest.raises(NotEnoughData, match="no purchases at all"):
        fit_one(history([]), "mbg_nbd", until=None, unit_days=7.0)


def test_a_model_that_refuses_says_why() -> None:
    with pytest.raises(NotEnoughData, match="needs about 300 customers, there are 1"):
        fit_one(history([bought("ann", 0), bought("ann", 9)]), "mbg_nbd", until=None, unit_days=7.0)


def test_an_unknown_model_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        fit_one(history([bought("ann", 0)]), "crystal_ball", until=None, unit_days=7.0)
