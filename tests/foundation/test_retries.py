"""A write that is repeated happens once and gets the same answer."""

import threading
from typing import Any

import pytest
from django.db import connection

from regulars.core.errors import InputError
from regulars.customers.models import Customer
from regulars.foundation.retries import OtherBody, once

BODY = b'{"name": "Anna"}'


def create() -> tuple[int, Any]:
    return 201, {"id": Customer.objects.create(name="Anna").pk}


@pytest.mark.django_db
def test_a_repetition_gets_the_first_answer() -> None:
    first, second = once("api:1", "k", BODY, create), once("api:1", "k", BODY, create)
    assert (first.is_repeated, second.is_repeated) == (False, True)
    assert (first.status, first.content) == (second.status, second.content)
    assert Customer.objects.count() == 1


@pytest.mark.django_db
def test_another_body_under_the_same_key_is_refused() -> None:
    once("api:1", "k", BODY, create)
    with pytest.raises(OtherBody, match="'k'"):
        once("api:1", "k", b"{}", create)
    assert Customer.objects.count() == 1


@pytest.mark.django_db
def test_keys_of_two_clients_do_not_meet() -> None:
    once("api:1", "k", BODY, create)
    once("api:2", "k", BODY, create)
    assert Customer.objects.count() == 2


@pytest.mark.django_db
def test_a_write_that_failed_can_be_tried_again() -> None:
    def fail() -> tuple[int, Any]:
        Customer.objects.create(name="half")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        once("api:1", "k", BODY, fail)
    assert Customer.objects.count() == 0
    assert once("api:1", "k", BODY, create).status == 201


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["", "x" * 201])
def test_a_key_has_a_length(key: str) -> None:
    with pytest.raises(InputError, match="200"):
        once("api:1", key, BODY, create)


@pytest.mark.django_db(transaction=True)
def test_two_at_one_moment_write_once() -> None:
    begun, answers = threading.Barrier(2), []

    def client() -> None:
        begun.wait()
        try:
            answers.append(once("api:1", "k", BODY, create))
        finally:
            connection.close()

    threads = [threading.Thread(target=client) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(one.is_repeated for one in answers) == [False, True]
    assert len({str(one.content) for one in answers}) == 1
    assert Customer.objects.count() == 1
