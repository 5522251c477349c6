"""The whole interface against requests that its own description allows, and against those that it forbids."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_schema_conformance,
    status_code_conformance,
)

from regulars.api.limits import Limit
from regulars.api.models import Scope
from regulars.api.routes import build
from regulars.api.services import make_key
from regulars.customers.services.consents import write_purpose
from regulars.insights.models import Segment
from tests.web.people import make_business

pytestmark = pytest.mark.django_db

SCHEMA = build().get_openapi_schema(path_prefix="/api/v1/")
OPERATIONS = sorted((path, method.upper()) for path, methods in SCHEMA["paths"].items() for method in methods)
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
QUICK, LONG = 10, 100


@pytest.fixture
def headers(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """A key for everything, a base that has something in it, and no limit of requests."""
    make_business()
    write_purpose("news", title="News", text="We write about new things.")
    rule = {"join": "all", "not": False, "items": [{"what": "kind", "how": "in", "value": ["person"]}]}
    Segment.objects.create(name="All", rule=rule)
    monkeypatch.setattr(Limit, "allow_request", lambda *_: True)
    # the connection with the test's transaction must outlive a request
    request_started.disconnect(close_old_connections)
    request_finished.disconnect(close_old_connections)
    yield {"Authorization": f"Bearer {make_key(name='Test', scopes=list(Scope), by=None)}"}
    request_started.connect(close_old_connections)
    request_finished.connect(close_old_connections)


def send_many(path: str, method: str, mode: GenerationMode, headers: dict[str, str], examples: int) -> None:
    schema = schemathesis.openapi.from_dict(SCHEMA)
    schema.app = get_wsgi_application()
    operation = schema[path][method]

    @settings(
        max_examples=examples, database=None, derandomize=examples == QUICK, suppress_health_check=list(HealthCheck),
        phases=(Phase.explicit, Phase.generate, Phase.shrink),
    )  # fmt: skip
    @given(operation.as_strategy(generation_mode=mode))
    def send(case: Any) -> None:
        case.call_and_validate(headers=headers, checks=CHECKS)

    send()


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda one: one.value)
@pytest.mark.parametrize(("path", "method"), OPERATIONS, ids=lambda one: one.rpartition("/api/v1/")[2])
def test_no_request_breaks_the_server(path: str, method: str, mode: GenerationMode, headers: dict[str, str]) -> None:
    send_many(path, method, mode, headers, QUICK)


@pytest.mark.slow
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda one: one.value)
@pytest.mark.parametrize(("path", "method"), OPERATIONS, ids=lambda one: one.rpartition("/api/v1/")[2])
def test_no_request_of_many_breaks_the_server(
    path: str, method: str, mode: GenerationMode, headers: dict[str, str]
) -> None:
    send_many(path, method, mode, headers, LONG)
