"""Care of the background jobs themselves."""

from procrastinate import JobContext
from procrastinate.contrib.django import app
from procrastinate.exceptions import UniqueViolation
from procrastinate.jobs import Status


@app.periodic(cron="* * * * *")
@app.task(queue="care", queueing_lock="stalled", pass_context=True)
async def take_stalled_jobs_again(context: JobContext, timestamp: int) -> None:
    """Jobs of a worker that was killed are given to the next one: every job of ours may be done again."""
    assert context.app is not None
    manager = context.app.job_manager
    for job in await manager.get_stalled_jobs():
        try:
            await manager.retry_job(job)
        except UniqueViolation:
            # the next one of its kind waits already, and for the lock that this one would hold for ever
            await manager.finish_job(job, status=Status.ABORTED, delete_job=True)
