"""Own fields take what their type allows; questionnaires fill them, by staff or behind a link."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from regulars.accounts.models import User
from regulars.core.errors import InputError
from regulars.customers.field_values import read_value
from regulars.customers.models import Consent, Customer, Field, File, Form, FormAnswer, FormLink
from regulars.customers.selectors.consents import has_agreed
from regulars.customers.services.consents import write_purpose
from regulars.customers.services.customers import add_customer
from regulars.customers.services.fields import add_field, set_own_fields, slug_of
from regulars.customers.services.files import folder
from regulars.customers.services.merging import merge
from regulars.customers.services.questionnaires import answer_form, make_link, write_form

pytestmark = pytest.mark.django_db
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@pytest.fixture
def anna(owner: User) -> Customer:
    return add_customer(by=owner, given_name="Anna")


@pytest.fixture
def form(owner: User) -> Form:
    add_field(title="Размер обуви", type="number")
    add_field(title="Colour", type="choice", choices=["red", "blue"])
    write_purpose("marketing", title="News", text="I agree")
    return write_form(None, title="Survey", intro="Hello", fields=["razmer_obuvi", "colour"], purpose="marketing")


@pytest.fixture
def site(client: Client, owner: User) -> Client:
    client.force_login(owner, backend=BACKEND)
    return client


@pytest.mark.parametrize(
    ("kind", "typed", "value"),
    [
        ("text", " a\0b ", "ab"), ("number", "1 234,5", 1234.5), ("number", "42.0", 42),
        ("date", "31.03.2026", "2026-03-31"), ("yes_no", "да", True), ("yes_no", "no", False),
        ("choice", "red", "red"), ("choices", ["blue", "red"], ["red", "blue"]),
        ("text", " ", None), ("choices", [], None),
    ],
)  # fmt: skip
def test_values_are_read_by_type(kind: str, typed: Any, value: Any) -> None:
    assert read_value(Field(title="F", type=kind, choices=["red", "blue"]), typed) == value


@pytest.mark.parametrize(
    ("kind", "typed"),
    [("text", "x" * 2001), ("number", "x"), ("number", "nan"), ("number", "1e999"), ("date", "2026-02-30"),
     ("yes_no", "perhaps"), ("choice", "green"), ("choices", ["red", "green"])],
)  # fmt: skip
def test_what_the_type_does_not_allow_is_refused_by_the_fields_name(kind: str, typed: Any) -> None:
    with pytest.raises(InputError, match="Size"):
        read_value(Field(title="Size", type=kind, choices=["red", "blue"]), typed)


def test_short_names_are_latin_and_different() -> None:
    assert slug_of("Размер обуви, см", set()) == "razmer_obuvi_sm"
    assert slug_of("!!!", set()) == "field"
    assert slug_of("A", {"a", "a_2"}) == "a_3"


def test_other_fields_stay_and_an_empty_value_goes(anna: Customer, owner: User, form: Form) -> None:
    set_own_fields(anna, {"razmer_obuvi": "39", "colour": "red"}, by=owner)
    set_own_fields(anna, {"razmer_obuvi": ""}, by=owner)
    assert Customer.objects.get(pk=anna.pk).own_fields == {"colour": "red"}
    with pytest.raises(InputError):
        set_own_fields(anna, {"unknown": "1"}, by=owner)


def test_answers_fill_fields_and_keep_the_questions_they_answered(anna: Customer, owner: User, form: Form) -> None:
    answer_form(form, anna, {"razmer_obuvi": "38"}, by=owner)
    anna.refresh_from_db()
    assert anna.own_fields == {"razmer_obuvi": 38}
    newer = write_form(form, title="Survey", intro="", fields=["colour"], purpose="")
    form.refresh_from_db()
    assert newer.pk != form.pk
    assert form.is_archived
    assert FormAnswer.objects.get().form.questions[0]["field"] == "razmer_obuvi"


def test_the_customer_answers_behind_a_link_once(client: Client, anna: Customer, owner: User, form: Form) -> None:
    set_own_fields(anna, {"colour": "blue"}, by=owner)
    token = make_link(form, anna)
    page = client.get(f"/q/{token}/").content.decode()
    assert "Hello" in page
    assert "selected" not in page  # a link that went astray tells nothing
    assert "Anna" not in page
    assert client.post(f"/q/{token}/", {"own-razmer_obuvi": "many"}).status_code == 422
    answer = client.post(f"/q/{token}/", {"own-razmer_obuvi": "37", "agrees": "any", "text": "marketing/1"})
    assert answer.status_code == 200
    anna.refresh_from_db()
    assert anna.own_fields == {"razmer_obuvi": 37, "colour": "blue"}
    assert (FormAnswer.objects.get().filled_by, Consent.objects.get().source) == (None, "Survey")
    assert client.get(f"/q/{token}/").status_code == 410
    assert client.post(f"/q/{token}/", {"own-razmer_obuvi": "1"}).status_code == 410


def test_whoever_read_another_text_reads_the_new_one_before_he_agrees(
    client: Client, anna: Customer, form: Form
) -> None:
    address = f"/q/{make_link(form, anna)}/"
    agreed = {"own-razmer_obuvi": "37", "agrees": "any", "text": "marketing/1"}
    assert 'name="text" value="marketing/1"' in client.get(address).content.decode()
    write_purpose("marketing", title="News", text="I agree, and you may sell my phone")

    answer = client.post(address, agreed)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "sell my phone" in page and 'name="text" value="marketing/2"' in page and 'value="37"' in page
    assert not Consent.objects.exists() and not FormAnswer.objects.exists()
    for text in ("", "marketing", "marketing/x", "nothing/2"):
        assert client.post(address, agreed | {"text": text}).status_code == 422
    assert client.post(address, agreed | {"text": "marketing/2"}).status_code == 200
    assert Consent.objects.get().text_version == 2


def test_a_questionnaire_that_asks_for_another_purpose_by_now_is_read_again(
    site: Client, anna: Customer, form: Form
) -> None:
    write_purpose("research", title="Research", text="You may ask me")
    write_form(form, title="Survey", intro="", fields=["colour"], purpose="research")
    fill = f"/customers/{anna.pk}/forms/{form.pk}/"
    assert site.post(fill, {"own-colour": "red", "agrees": "any", "text": "marketing/1"}).status_code == 422
    assert not Consent.objects.exists()


def test_a_questionnaire_asks_for_each_channel_apart(site: Client, client: Client, anna: Customer, form: Form) -> None:
    written = {"title": "Survey", "field": "colour", "purpose": "marketing", "channel": ["sms", "email", "pigeon"]}
    assert site.post(f"/customers/questionnaires/{form.pk}/", written).status_code == 302
    form.refresh_from_db()
    assert form.channels == ["email", "sms"]
    address = f"/q/{make_link(form, anna)}/"
    page = client.get(address).content.decode()
    assert 'name="agrees" value="sms"' in page and 'name="agrees" value="any"' not in page
    for channel in ("phone", "any", "pigeon"):  # not asked for
        assert client.post(address, {"agrees": channel, "text": "marketing/1"}).status_code == 422
    assert client.post(address, {"agrees": ["sms"], "text": "marketing/1"}).status_code == 200
    assert has_agreed(anna, "marketing", "sms") and not has_agreed(anna, "marketing", "email")
    assert Consent.objects.get().proof == {"form": form.pk, "answer": FormAnswer.objects.get().pk}


def test_a_link_ends_and_its_token_is_not_kept(client: Client, anna: Customer, form: Form) -> None:
    token = make_link(form, anna)
    assert token not in str(FormLink.objects.values().get())
    FormLink.objects.update(expires_at=timezone.now() - dt.timedelta(seconds=1))
    assert client.get(f"/q/{token}/").status_code == 410


def test_a_link_of_somebody_who_was_merged_fills_the_other(
    client: Client, anna: Customer, owner: User, form: Form
) -> None:
    twin = add_customer(by=owner, given_name="Anja")
    token = make_link(form, twin)
    merge(anna, twin, by=owner)
    client.post(f"/q/{token}/", {"own-razmer_obuvi": "37"})
    assert FormAnswer.objects.get().customer == anna


def test_guessing_links_is_slowed_down_and_a_good_link_still_opens(client: Client, anna: Customer, form: Form) -> None:
    cache.clear()
    token = make_link(form, anna)
    answers = [client.get(f"/q/wrong{number}/").status_code for number in range(35)]
    assert (answers[0], answers[-1]) == (410, 429)
    assert client.get(f"/q/{token}/").status_code == 200
    cache.clear()


def test_pages_of_definitions(site: Client, anna: Customer, form: Form) -> None:
    assert site.post("/customers/fields/", {"title": "New", "type": "text"}).status_code == 302
    assert site.post("/customers/fields/", {"title": "New", "type": "choice", "choices": ""}).status_code == 422
    field = Field.objects.get(title="New")
    assert site.post(f"/customers/fields/{field.pk}/", {"title": "Newer", "archived": "yes"}).status_code == 302
    assert site.post("/customers/consents/", {"slug": "x y", "title": "T", "text": "t"}).status_code == 422
    assert site.post("/customers/consents/", {"slug": "service", "title": "T", "text": "t"}).status_code == 302
    new = {"title": "Q", "field": ["colour"], "purpose": ""}
    assert site.post("/customers/questionnaires/", new).status_code == 302
    assert site.post("/customers/questionnaires/", {"title": "Q"}).status_code == 422
    for address in ("fields/", f"fields/{field.pk}/", "consents/", "questionnaires/", f"questionnaires/{form.pk}/",
                    f"{anna.pk}/forms/{form.pk}/", f"{anna.pk}/"):  # fmt: skip
        assert site.get(f"/customers/{address}").status_code == 200, address
    fill = f"/customers/{anna.pk}/forms/{form.pk}/"
    assert site.post(fill, {"own-colour": "red", "agrees": "any", "text": "marketing/1"}).status_code == 302
    assert site.post(fill, {}).status_code == 422
    assert "/q/" in site.post(f"{fill}link/").content.decode()
    assert "Survey" in site.get(f"/customers/{anna.pk}/").content.decode()


def test_files_are_kept_under_names_of_our_own_and_given_out_as_downloads(
    site: Client, anna: Customer, settings: Any, tmp_path: Path, django_capture_on_commit_callbacks: Any
) -> None:
    settings.MEDIA_ROOT = tmp_path
    name = '../../Договор "1".pdf'
    answer = site.post(f"/customers/{anna.pk}/files/", {"file": SimpleUploadedFile(name, b"<script>")})
    assert answer.status_code == 302
    file = File.objects.get()
    assert "/" not in file.name and '"' not in file.name
    assert [one.name for one in folder().iterdir()] == [file.stored_as]
    assert (folder() / file.stored_as).stat().st_mode & 0o077 == 0
    got = site.get(f"/customers/{anna.pk}/files/{file.pk}/")
    assert b"".join(got.streaming_content) == b"<script>"  # type: ignore[attr-defined]
    assert got.headers["Content-Disposition"].startswith("attachment")
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert got.headers["Content-Type"] == "application/octet-stream"
    page = site.get(f"/customers/{anna.pk}/").content.decode()
    assert page.count("Договор") == 1
    other = Customer.objects.create(name="Other")
    with django_capture_on_commit_callbacks(execute=True):
        assert site.post(f"/customers/{other.pk}/files/{file.pk}/remove/").status_code == 404
        assert site.post(f"/customers/{anna.pk}/files/{file.pk}/remove/").status_code == 302
    assert list(folder().iterdir()) == []
    assert "File removed" in site.get(f"/customers/{anna.pk}/").content.decode()
    assert site.get(f"/customers/{other.pk}/files/{file.pk}/").status_code == 404


@pytest.mark.parametrize(("name", "content"), [("a.html", b"x"), ("a.svg", b"x"), ("noending", b"x"), ("a.pdf", b"")])
def test_files_that_run_or_are_empty_are_refused(
    site: Client, anna: Customer, settings: Any, tmp_path: Path, name: str, content: bytes
) -> None:
    settings.MEDIA_ROOT = tmp_path
    answer = site.post(f"/customers/{anna.pk}/files/", {"file": SimpleUploadedFile(name, content)})
    assert answer.status_code == 422
    assert not File.objects.exists()
    assert not folder().exists() or not list(folder().iterdir())


def test_a_file_that_grows_beyond_the_limit_leaves_nothing(
    anna: Customer, owner: User, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from regulars.customers.services import files

    settings.MEDIA_ROOT = tmp_path
    monkeypatch.setattr(files, "LARGEST", 10)
    with pytest.raises(InputError):
        files.store_file(anna, name="a.txt", size=1, chunks=iter([b"123456", b"123456"]), by=owner)
    assert list(folder().iterdir()) == []
