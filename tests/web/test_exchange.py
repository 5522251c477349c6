"""1C pushes CommerceML the way it does to any site."""

import base64
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client

from regulars.foundation.models import Business
from regulars.purchases.jobs import run_import
from regulars.purchases.models import Import, Product

PASSWORD = "a long password of the exchange"
XML = """<?xml version="1.0" encoding="UTF-8"?><КоммерческаяИнформация><Каталог><Товары>
<Товар><Ид>p-1</Ид><Наименование>Молоко</Наименование></Товар></Товары></Каталог></КоммерческаяИнформация>""".encode()


@pytest.fixture(autouse=True)
def shop(db: None, tmp_path: Path, settings: Any) -> None:
    settings.MEDIA_ROOT = tmp_path / "files"
    settings.CONFIG = replace(settings.CONFIG, exchange_password=PASSWORD)
    call_command("createcachetable", verbosity=0)
    cache.clear()
    Business.objects.create(name="Shop", currency="RUB", time_zone="Europe/Moscow", language="en", region="RU")


def enter(client: Client, password: str) -> Any:
    basic = base64.b64encode(f"1c:{password}".encode()).decode()
    return client.get("/exchange/1c/?type=catalog&mode=checkauth", headers={"Authorization": f"Basic {basic}"})


def ask(client: Client, query: str) -> str:
    return client.get(f"/exchange/1c/?type=catalog&{query}").content.decode()


def send(client: Client, name: str, piece: bytes) -> str:
    return client.post(
        f"/exchange/1c/?type=catalog&mode=file&filename={name}", piece, content_type="application/octet-stream"
    ).content.decode()


def test_a_whole_exchange(client: Client) -> None:
    word, cookie, token = enter(client, PASSWORD).content.decode().split("\n")
    assert word == "success"
    client.cookies[cookie] = token
    assert ask(client, "mode=init").startswith("zip=no\nfile_limit=")
    assert send(client, "import.xml", XML[:100]) == "success"
    assert send(client, "import.xml", XML[100:]) == "success"
    assert send(client, "import_files/ab/picture.jpg", b"\xff\xd8") == "success"
    assert ask(client, "mode=import&filename=import.xml") == "progress\nWaits for the worker"
    assert send(client, "import.xml", b"more").startswith("failure")
    imported = Import.objects.get()
    run_import(imported.pk)
    assert ask(client, "mode=import&filename=import.xml") == "success"
    assert Product.objects.get().name == "Молоко"
    assert ask(client, "mode=import&filename=other.xml").startswith("failure")


def test_a_file_that_fails_says_why(client: Client) -> None:
    _word, cookie, token = enter(client, PASSWORD).content.decode().split("\n")
    client.cookies[cookie] = token
    send(client, "../../import.xml", b"<broken")
    ask(client, "mode=import&filename=import.xml")
    imported = Import.objects.get()
    assert imported.file_name == "import.xml"
    run_import(imported.pk)
    assert ask(client, "mode=import&filename=import.xml").startswith("failure\n")


def test_orders_that_1c_just_sends_start_with_their_last_byte(client: Client) -> None:
    _word, cookie, token = enter(client, PASSWORD).content.decode().split("\n")
    client.cookies[cookie] = token

    def sale(piece: bytes) -> str:
        address = "/exchange/1c/?type=sale&mode=file&filename=orders.xml"
        return client.post(address, piece, content_type="application/octet-stream").content.decode()

    assert sale(XML[:100]) == "success"
    assert Import.objects.get().state == "draft"
    assert sale(XML[100:] + b"\r\n") == "success"
    assert Import.objects.get().state == "waiting"
    assert client.get("/exchange/1c/?type=sale&mode=import&filename=orders.xml").content.startswith(b"progress")


def test_zip_and_pieces_over_the_limit_are_refused_and_leave_nothing(client: Client, settings: Any) -> None:
    _word, cookie, token = enter(client, PASSWORD).content.decode().split("\n")
    client.cookies[cookie] = token
    assert send(client, "v8.zip", b"PK").startswith("failure")
    assert send(client, "a.xml", b"x" * ((4 << 20) + 1)).startswith("failure")
    assert not Import.objects.exists()
    settings.CONFIG = replace(settings.CONFIG, upload_limit_mb=1)
    assert send(client, "a.xml", b"x" * (1 << 20)) == "success"
    assert send(client, "a.xml", b"x").startswith("failure\nThe file is larger")


def test_another_password_ends_the_exchange(client: Client, settings: Any) -> None:
    _word, cookie, token = enter(client, PASSWORD).content.decode().split("\n")
    client.cookies[cookie] = token
    settings.CONFIG = replace(settings.CONFIG, exchange_password="another long password")
    assert client.get("/exchange/1c/?mode=init").status_code == 401


def test_nobody_gets_in_without_the_password(client: Client) -> None:
    assert enter(client, "wrong").status_code == 401
    assert client.get("/exchange/1c/?mode=init").status_code == 401
    client.cookies["regulars_exchange"] = "forged:token"
    assert client.post("/exchange/1c/?mode=file&filename=a.xml", XML, content_type="text/xml").status_code == 401
    assert not Import.objects.exists()
    for _attempt in range(10):
        enter(client, "wrong")
    assert enter(client, PASSWORD).status_code == 429


def test_without_a_password_in_the_settings_it_is_closed(client: Client, settings: Any) -> None:
    settings.CONFIG = replace(settings.CONFIG, exchange_password="")
    assert enter(client, "").status_code == 404
