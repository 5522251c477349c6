"""Signatures of what tills carry with them: Ed25519, with a key that follows from the secret of the installation.

No Django: a till checks with the same code. A new secret makes another key, so tills fetch it again.
"""

import base64
import hashlib
import hmac

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _

_PURPOSE = b"regulars.till.snapshot"


def sign(text: str, secret: str) -> str:
    """The signature of this text, in base64."""
    return base64.b64encode(_key(secret).sign(text.encode())).decode()


def public_key(secret: str) -> str:
    """What tills check it with: the 32 bytes of the key in base64. It is no secret."""
    return base64.b64encode(_key(secret).public_key().public_bytes_raw()).decode()


def verify(text: str, signature: str, key: str) -> None:
    """Raise `InputError` unless the owner of the key signed exactly this text."""
    try:
        public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key, validate=True))
        public.verify(base64.b64decode(signature, validate=True), text.encode())
    except (InvalidSignature, ValueError):
        raise InputError(_("The signature is not that of the server: fetch the rules again.")) from None


def _key(secret: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(hmac.digest(secret.encode(), _PURPOSE, hashlib.sha256))
