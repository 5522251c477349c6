"""Whether a key or a contact is of somebody who was erased. Only keyed digests of such are kept."""

import hashlib
import hmac

from django.conf import settings

from regulars.customers.models import ForgottenContact


def digest_of(kind: str, value: str) -> bytes:
    """What an erasure keeps of a contact: enough to recognise it, useless to find it out."""
    key = hashlib.sha256(b"regulars.forgotten" + settings.SECRET_KEY.encode()).digest()
    return hmac.new(key, f"{kind}\x1f{value}".encode(), hashlib.sha256).digest()


def forgotten_among(contacts: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Which of these contacts were erased, in one query."""
    digests = {digest_of(kind, value): (kind, value) for kind, value in contacts}
    found = ForgottenContact.objects.filter(digest__in=list(digests)).values_list("digest", flat=True)
    return {digests[bytes(one)] for one in found}
