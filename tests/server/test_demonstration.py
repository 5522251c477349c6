"""`regulars demo --serve`: the product on a history with invented people, away from every other installation."""

import datetime as dt
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.error import HTTPError
from urllib.request import HTTPCookieProcessor, build_opener

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from regulars.server.config import Config
from regulars.server.database import database
from tests.server.installation import Installation, free_port

HOUSEHOLDS = 6


class Demonstration(Installation):
    """A small one, whose report is there already."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "home")
        self.folder = folder
        self.said = folder / "said"
        days = [dt.datetime(2017, 1, 2, 10) + dt.timedelta(days=7 * number) for number in range(30)]
        lines = [
            {"customer_id": f"H{number % HOUSEHOLDS}", "purchased_at": day, "receipt_id": str(number), "amount": 12.5}
            for number, day in enumerate(days)
        ]
        pq.write_table(pa.Table.from_pylist(lines), folder / "supermarket.parquet")
        (folder / "audit.json").write_text("{}")
        # what an operator of a real installation may have set: nobody may go there
        self.environment |= {
            "DATABASE_URL": f"postgresql://shop@127.0.0.1:{free_port()}/shop",
            "REGULARS_CONFIG": str(folder / "of-the-shop.toml"),
            "REGULARS_PUBLIC_URL": "https://crm.example.com",
            "REGULARS_HOME": str(folder / "of-the-shop"),
            "COLUMNS": "400",
        }

    @property
    def arguments(self) -> list[str]:
        return ["demo", "--serve", "--to", str(self.folder)]

    @contextmanager
    def shown(self) -> Iterator[str]:
        """The link that it prints, while it runs."""
        with self.said.open("wb") as said:
            process = subprocess.Popen(
                [sys.executable, "-m", "regulars", *self.arguments],
                env=self.environment, stdout=said, stderr=subprocess.STDOUT,
            )  # fmt: skip
        try:
            self.wait_until_up(process, seconds=120)
            (link,) = re.findall(r"http\S+/demonstration/\S+", self.said.read_text())
            yield link
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0, self.said.read_text()

    @contextmanager
    def base(self) -> Iterator["psycopg.Connection[tuple[object, ...]]"]:
        with database(Config(home=self.home)) as url, psycopg.connect(url) as connection:
            yield connection


def opened(link: str) -> str:
    with build_opener(HTTPCookieProcessor(CookieJar())).open(link, timeout=20) as answer:
        return str(answer.read().decode())


NAMES = "SELECT external_id, name FROM customers_customer ORDER BY id"
# the clock asks for the audit of the night at its own hour, which may be now
DONE = "SELECT (SELECT count(*) FROM purchases_import), (SELECT count(*) FROM insights_auditrun WHERE night IS NULL)"


def test_the_demonstration_fills_itself_lets_in_and_touches_nothing_else() -> None:
    with TemporaryDirectory(prefix="regulars-test-") as folder:
        shown = Demonstration(Path(folder))
        with shown.shown() as link:
            assert link.startswith(shown.url)
            assert "Supermarket (a demonstration)" in opened(link)
            with pytest.raises(HTTPError, match="410"):
                opened(f"{shown.url}/demonstration/somebody/")
        assert not (shown.folder / "of-the-shop").exists()
        with shown.base() as base:
            named = base.execute(NAMES).fetchall()
            assert len(named) == HOUSEHOLDS
            assert all(name for _household, name in named)
            assert base.execute("SELECT count(*) FROM customers_contact").fetchone() == (2 * HOUSEHOLDS,)
            assert base.execute(DONE).fetchone() == (1, 1)
            assert base.execute("SELECT state FROM insights_auditrun ORDER BY id").fetchone() == ("done",)
            # as a stop between the import and the names leaves it
            base.execute("DELETE FROM customers_contact")
            base.execute("UPDATE customers_customer SET name = '', given_name = '', family_name = ''")
        with shown.shown():
            pass
        with shown.base() as base:
            assert base.execute(NAMES).fetchall() == named
            assert base.execute(DONE).fetchone() == (1, 1)
            base.execute("UPDATE foundation_business SET name = 'Corner shop', is_demo = false")
        assert str(shown.home) in shown.command(*shown.arguments, code=2)
        with shown.base() as base:
            assert base.execute("SELECT name, is_demo FROM foundation_business").fetchone() == ("Corner shop", False)
