"""Engines beside the one in process: a Spark cluster that is already there, for histories too large for one machine.

Every analysis is an Ibis expression, so the same code runs on both and gives the same answers.
"""

import socket
import threading
from typing import Any

import ibis
import ibis.expr.types as ir

from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _

# what the analyses rely on: a shop's wall clock has no zone, and a number that does not fit is no error
_SESSION = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.ansi.enabled": "false",
}

# of the driver's connection to the master: a wrong address should be told in seconds, not in minutes
_CONNECTION = {
    "spark.app.name": "regulars",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}

_SECONDS_TO_ANSWER = 10

_ADDRESSES = ("spark://", "sc://", "local", "yarn", "k8s://")


def connect_engine(address: str) -> ibis.BaseBackend:
    """Connect to Spark: `spark://host:port` (a standalone cluster), `sc://host:port` (Spark Connect), `local[N]`.

    Raises `InputError` when the address is of no known kind, Spark is not installed here, or the cluster does not
    answer.
    """
    if not address.startswith(_ADDRESSES):
        raise InputError(
            _("{address!r} is not an engine. Write it as spark://host:7077 or sc://host:15002.").format(address=address)
        )
    session = _session(address)
    for name, value in _SESSION.items():
        session.conf.set(name, value)
    return _backend(session)


def _backend(session: Any) -> ibis.BaseBackend:
    from ibis.backends.pyspark import Backend  # noqa: PLC0415 - an optional package

    class Spark(Backend):  # type: ignore[misc]
        """Ibis' own, which forgets to register tables in memory before it caches a table built on them, and at exit
        drops what it can no longer reach."""

        def _create_cached_table(self, name: str, expr: ir.Table) -> ir.Table:
            self._run_pre_execute_hooks(expr)
            return super()._create_cached_table(name, expr)

        def _drop_cached_table(self, name: str) -> None:
            # at exit Spark Connect can ask for nothing any more, and its session takes the table with it
            if threading.main_thread().is_alive():
                super()._drop_cached_table(name)

    _options = ibis.pyspark  # looking the backend up is what registers its options
    found = Spark(session)
    found.reconnect()
    return found


def _refuse_silent(address: str) -> None:
    """Spark itself tries a dead address for a minute before it gives up."""
    scheme, _colon, place = address.partition("://")
    host, _colon, port = place.split(",")[0].split("/")[0].rpartition(":")
    if scheme not in ("spark", "sc") or not port.isdigit():
        return
    try:
        socket.create_connection((host, int(port)), timeout=_SECONDS_TO_ANSWER).close()
    except (OSError, OverflowError) as error:
        raise InputError(
            _("The engine {address} does not answer: {reason}").format(
                address=address, reason=getattr(error, "strerror", None) or error
            )
        ) from error


def _session(address: str) -> Any:
    _refuse_silent(address)
    try:
        from pyspark.sql import SparkSession  # noqa: PLC0415 - half a second and an optional package
    except ImportError as error:
        raise InputError(
            _("The engine {address} needs the packages of Spark: pip install 'regulars[spark]'.").format(
                address=address
            )
        ) from error
    builder = SparkSession.builder
    builder = builder.remote(address) if address.startswith("sc://") else builder.master(address)
    if not address.startswith("sc://"):
        for name, value in _CONNECTION.items():
            builder = builder.config(name, value)
    try:
        session = builder.getOrCreate()
        session.range(1).count()
    except Exception as error:
        raise InputError(
            _("The engine {address} does not answer: {reason}").format(
                address=address, reason=str(error).strip().splitlines()[0][:200]
            )
        ) from error
    if not address.startswith("sc://"):
        session.sparkContext.setLogLevel("ERROR")
    return session
