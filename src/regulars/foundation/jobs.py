"""Care of the background jobs themselves."""

from procrastinate import JobContext
from procrastinate.contrib.django import app


@app.periodic(cron="* * * * *")
@app.task(queue="care", queueing_lock="stalled", pass_context=True)
async def take_stalled_jobs_again(context: JobContext, timestamp: int) -> None:
    """Jobs of a worker that was killed are given to the next one: every job of ours may be done again."""
    assert context.app is not None
    manager = context.app.job_manager
    for job in await manager.get_stalled_jobs():
        await manager.retry_job(job)
