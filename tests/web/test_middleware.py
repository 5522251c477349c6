"""What holds for every page."""

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from regulars.web.middleware import from_proxy
from tests.web.people import logged_in, make_user


def seen_as(chain: str | None) -> str:
    """Whom a view sees behind a proxy that sends this."""
    seen: list[str] = []

    def view(request: HttpRequest) -> HttpResponse:
        seen.append(request.META["REMOTE_ADDR"])
        return HttpResponse()

    headers = {"X-Forwarded-For": chain} if chain else {}
    from_proxy(view)(RequestFactory().get("/", headers=headers, REMOTE_ADDR="127.0.0.1"))
    return seen[0]


def test_behind_a_proxy_the_last_address_counts() -> None:
    assert seen_as("203.0.113.9") == "203.0.113.9"
    assert seen_as("1.2.3.4, 203.0.113.9") == "203.0.113.9"
    assert seen_as(None) == "127.0.0.1"


@pytest.mark.django_db
def test_no_page_may_run_what_is_written_into_it() -> None:
    for page in (Client().get("/account/login/"), logged_in(make_user("owner")).get("/settings/people/")):
        policy = page.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        text = page.content.decode()
        assert "<script>" not in text
        assert " style=" not in text
        assert " onclick=" not in text


@pytest.mark.django_db
def test_before_the_log_in_the_browsers_language_counts() -> None:
    russian = Client().get("/account/login/", headers={"Accept-Language": "ru-RU,ru;q=0.9"})
    assert russian.headers["Content-Language"] == "ru"
    assert Client().get("/account/login/", headers={"Accept-Language": "de"}).headers["Content-Language"] == "en"


@pytest.mark.django_db
def test_leading_elsewhere_after_the_log_in_is_refused() -> None:
    owner = make_user("owner")
    owner.set_password("correct horse battery")
    owner.save()
    values = {"login": "owner@example.com", "password": "correct horse battery", "next": "https://evil.example/"}
    answer = Client().post("/account/login/", values)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
