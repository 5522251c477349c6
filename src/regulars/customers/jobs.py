"""Background work of this package. Each job may be done twice without harm."""

from procrastinate.contrib.django import app

from regulars.customers.services import duplicates


@app.periodic(cron="40 2 * * *")
@app.task(queueing_lock="find_duplicates", lock="find_duplicates")
def find_duplicates(timestamp: int = 0) -> None:
    """Every night, and when somebody asks."""
    duplicates.find_duplicates()
