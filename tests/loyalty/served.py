"""The web server of the application on the database of a test, and clients that come to it all at once."""

import http.client
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlencode

from django.db import connection

from tests.server.installation import Installation


@dataclass
class Client:
    """One connection to the server, with the key of a till."""

    server: Installation
    key: str

    def post(self, path: str, body: Any) -> tuple[int, Any]:
        """The status and what was said."""
        line = http.client.HTTPConnection(self.server.url.removeprefix("http://"), timeout=120)
        try:
            headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
            line.request("POST", f"/api/v1/{path}", json.dumps(body), headers)
            answer = line.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            line.close()


@contextmanager
def served() -> Iterator[Installation]:
    """Two processes of the web server, on this machine alone, until the block ends."""
    database = connection.settings_dict
    place = urlencode({name: database[name.upper()] for name in ("host", "port") if database[name.upper()]})
    with TemporaryDirectory(prefix="regulars-test-") as home:
        server = Installation(Path(home))
        server.environment |= {
            "DATABASE_URL": f"postgresql://{database['USER']}@/{database['NAME']}?{place}",
            "REGULARS_SECRET_KEY": "k" * 50,
            "REGULARS_WEB_PROCESSES": "2",
        }
        process = subprocess.Popen([sys.executable, "-m", "regulars", "web"], env=server.environment)
        try:
            server.wait_until_up(process, path="/api/v1/products")
            yield server
        finally:
            process.terminate()
            process.wait(60)


def crowd(count: int, work: Callable[[int], Any]) -> list[Any]:
    """What each of so many clients was told; they begin at one moment."""
    told: list[Any] = [None] * count
    start = threading.Barrier(count)

    def one(place: int) -> None:
        start.wait(timeout=60)
        told[place] = work(place)

    clients = [threading.Thread(target=one, args=(place,)) for place in range(count)]
    for client in clients:
        client.start()
    for client in clients:
        client.join(timeout=200)
    assert None not in told, "some were told nothing"
    return told
