"""Background work of this package. Each job may be done twice without harm."""

from django.utils import timezone
from procrastinate.contrib.django import app

from regulars.loyalty import (
    certificate_deals,
    expected,
    expiring,
    measuring,
    setting_aside,
    settling,
    snapshots,
    tiers,
    volume,
    volume_returns,
    watching,
)


@app.periodic(cron="50 3 * * *", periodic_id="expiry of points")
@app.task(queueing_lock="expiry of points", pass_context=False)
def expire_points(timestamp: int) -> None:
    """Every night."""
    expiring.expire_points(timezone.now())


@app.periodic(cron="5 4 * * *", periodic_id="share of points that is spent")
@app.task(queueing_lock="share of points that is spent", pass_context=False)
def keep_shares(timestamp: int) -> None:
    """Every night, after points expired: by it the prices of the day's sales are split."""
    expected.keep_shares(timezone.now())


@app.periodic(cron="40 3 * * *", periodic_id="expiry of certificates")
@app.task(queueing_lock="expiry of certificates", pass_context=False)
def expire_certificates(timestamp: int) -> None:
    """Every night: what is left on them is owed no more."""
    certificate_deals.expire_certificates(timezone.now())


@app.periodic(cron="* * * * *", periodic_id="holds of points")
@app.task(queueing_lock="holds of points", pass_context=False)
def release_holds(timestamp: int) -> None:
    """Every minute: a basket that was left lets its points go."""
    expiring.release_holds(timezone.now())


@app.periodic(cron="*/10 * * * *", periodic_id="gifts set aside")
@app.task(queueing_lock="gifts set aside", pass_context=False)
def release_gifts(timestamp: int) -> None:
    """Every ten minutes: what nobody fetched goes back to the shelf."""
    setting_aside.release_forgotten(timezone.now())


@app.periodic(cron="20 3 * * *", periodic_id="tiers")
@app.task(queueing_lock="tiers", lock="tiers", pass_context=False)
def review_tiers(timestamp: int) -> None:
    """Every night: what a day's turn, an import and a merge change. Tills do not wait for it."""
    tiers.review_all(timezone.now())


@app.periodic(cron="35 4 * * *", periodic_id="bonuses for volume")
@app.task(queueing_lock="bonuses for volume", lock="bonuses for volume", pass_context=False)
def give_bonuses(timestamp: int) -> None:
    """Every night: periods that are over for some days are paid for, once, and less when goods came back since."""
    volume_returns.take_all(timezone.now())
    volume.give_all(timezone.now())


@app.periodic(cron="*/5 * * * *", periodic_id="watch over tills")
@app.task(queueing_lock="watch over tills", lock="watch over tills", pass_context=False)
def watch_tills(timestamp: int) -> None:
    """Every five minutes: what tills told since the last look."""
    watching.look(timezone.now())


@app.periodic(cron="10 * * * *", periodic_id="days of the coalition")
@app.task(queueing_lock="days of the coalition", pass_context=False)
def close_days(timestamp: int) -> None:
    """Every hour: the first one after midnight by the clock of the business closes its day."""
    settling.close_days(at=timezone.now())


@app.periodic(cron="20 4 * * *", periodic_id="catalogue of gifts")
@app.task(queueing_lock="catalogue of gifts", lock="catalogue of gifts", pass_context=False)
def measure_catalogue(timestamp: int) -> None:
    """Every night: tastes and the attractiveness of gifts follow what was bought."""
    measuring.measure(timezone.now())


@app.periodic(cron="40 4 * * *", periodic_id="snapshots of tills")
@app.task(queueing_lock="snapshots of tills", pass_context=False)
def forget_snapshots(timestamp: int) -> None:
    """Every night: of what is too old nothing can be told."""
    snapshots.forget_snapshots(timezone.now())
