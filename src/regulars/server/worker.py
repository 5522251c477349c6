"""The process that does the background jobs."""

from regulars.server.config import Config


def work(config: Config) -> None:
    """Do jobs until told to stop; one that was under way when a worker was killed is done again."""
    from procrastinate.contrib.django import app

    connector = app.connector.get_worker_connector()  # type: ignore[attr-defined]
    app.with_connector(connector).run_worker(
        concurrency=config.worker_jobs, install_signal_handlers=True, delete_jobs="successful"
    )
