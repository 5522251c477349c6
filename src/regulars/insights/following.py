"""The columnar copy follows the purchases by itself."""

from procrastinate.contrib.django import app

from regulars.insights import warehouse


@app.periodic(cron="* * * * *")
@app.task(queue="warehouse", queueing_lock="warehouse", lock="warehouse")
def follow_purchases(timestamp: int) -> None:
    """Each minute: write the months that were changed since."""
    if warehouse.is_stale():
        warehouse.refresh()
