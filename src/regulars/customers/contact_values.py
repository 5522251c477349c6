"""One form for each phone, e-mail and card, so that equal ones are equal."""

import re

import phonenumbers
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from phonenumbers import NumberParseException, PhoneMetadata, PhoneNumberFormat

from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.customers.models import Contact
from regulars.foundation.models import Business

DEFAULT_REGION = "RU"
_LONGEST = 254
_PHONES = (Contact.Kind.PHONE, Contact.Kind.WHATSAPP, Contact.Kind.VIBER)


def region() -> str:
    """Where telephone numbers without a country code are from."""
    found = Business.objects.values_list("region", flat=True).first()
    return found or DEFAULT_REGION


def normalised(kind: str, written: str, *, region: str) -> str:
    """The form that is compared; `InputError` when the text is none of the kind."""
    text = written.strip()
    if not text or len(text) > _LONGEST or "\0" in text:
        raise InputError(_("Write a value of at most {count} characters.").format(count=_LONGEST))
    if kind in _PHONES:
        return normal_phone(text, region)
    if kind == Contact.Kind.EMAIL:
        return _email(text)
    if kind == Contact.Kind.CARD:
        return _card(text)
    name = re.sub(r"^(https?://)?(t\.me|vk\.com|max\.ru)/", "", text, flags=re.IGNORECASE).lstrip("@").casefold()
    if not name:
        raise InputError(_("{value!r} is no name in a messenger.").format(value=written))
    return name


def normal_phone(text: str, region: str) -> str:
    """E.164: +79161234567."""
    digits = re.sub(r"\D", "", text)
    # a foreign number whose plus was lost is tried last
    for form in (text, f"+{digits}"):
        try:
            number = phonenumbers.parse(form, region)
        except NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            return phonenumbers.format_number(number, PhoneNumberFormat.E164)
    raise InputError(
        _("{value!r} is no telephone number. Write it as +7 916 123-45-67, with the country's code.").format(value=text)
    )


def shown_phone(value: str) -> str:
    """As people read it: +7 916 123-45-67."""
    try:
        return phonenumbers.format_number(phonenumbers.parse(value), PhoneNumberFormat.INTERNATIONAL)
    except NumberParseException:
        return value


def national_prefix(region: str) -> str:
    """What is dialled inside the country before a number: 8 in Russia, 0 in Germany, nothing in Spain."""
    metadata = PhoneMetadata.metadata_for_region(region)
    return (metadata.national_prefix or "") if metadata else ""


def masked(kind: str, value: str) -> str:
    """What those see who may not see contacts: that there is one, and its last two characters."""
    if kind == Contact.Kind.EMAIL and "@" in value:
        name, _at, host = value.partition("@")
        return f"{name[:1]}•••@{host}"
    return f"••• {value[-2:]}" if len(value) > 4 else "•••"


def _email(text: str) -> str:
    try:
        validate_email(text)
    except ValidationError:
        raise InputError(_("{value!r} is no e-mail address.").format(value=text)) from None
    return text.casefold()


def _card(text: str) -> str:
    bare = re.sub(r"[\s-]", "", text).upper()
    if not re.fullmatch(r"\w{3,64}", bare):
        raise InputError(_("A card has from 3 to 64 letters and digits; {value!r} does not.").format(value=text))
    return bare
