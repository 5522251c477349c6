"""The side of a site in 1C's exchange with sites: 1C logs in, asks for the limits, sends files, has them imported.

1C speaks HTTP with a password of its own and reads plain words: "success", "progress", "failure" and a reason.
"""

import base64
import binascii
import secrets

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core import signing
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from regulars.core.errors import RegularsError
from regulars.purchases.importing.exchange_1c import begin_or_look, take_piece
from regulars.purchases.models import Import
from regulars.web.sign_in import address_of
from regulars.web.uploads import largest

_COOKIE = "regulars_exchange"
_SALT = "regulars.exchange"
_SESSION_SECONDS = 24 * 3600
_PIECE = 4 << 20
_MOST_FAILURES, _FAILURE_SECONDS = 10, 600

# nothing to send back: orders are made in 1C itself
_NO_ORDERS = '<?xml version="1.0" encoding="UTF-8"?>\n<КоммерческаяИнформация ВерсияСхемы="2.08"/>'


@csrf_exempt
@login_not_required
@require_http_methods(["GET", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """One step of an exchange, by its `mode`. Without a password in the settings there is no such page."""
    if not settings.CONFIG.exchange_password:
        raise Http404
    mode = request.GET.get("mode", "")
    if mode == "checkauth":
        return _log_in(request)
    session = _session(request)
    if session is None:
        return _words("failure", "log in first: mode=checkauth", status=401)
    try:
        return _step(request, mode, session)
    except RegularsError as error:
        return _words("failure", str(error))


def _step(request: HttpRequest, mode: str, session: str) -> HttpResponse:
    name = request.GET.get("filename", "").replace("\\", "/").rpartition("/")[2].replace("\0", "")
    match mode:
        case "init":
            return _words("zip=no", f"file_limit={min(_PIECE, largest())}")
        case "file" if request.method == "POST" and name:
            return _take(request, session, name)
        case "import" if name:
            return _import(session, name)
        case "query":
            return HttpResponse(_NO_ORDERS, content_type="application/xml; charset=utf-8")
        case "success" | "complete" | "deactivate":
            return _words("success")
    return _words("failure", "unknown mode")


def _take(request: HttpRequest, session: str, name: str) -> HttpResponse:
    # pictures of goods come too, and have no place here
    if name.lower().endswith(".zip"):
        return _words("failure", "zip=no was said by mode=init: send the files as they are")
    if not name.lower().endswith(".xml"):
        return _words("success")
    piece = request.read(_PIECE + 1)
    if len(piece) > _PIECE:
        return _words("failure", f"a piece is larger than file_limit={_PIECE}")
    take_piece(session, name, piece, most=largest(), starts_itself=request.GET.get("type") == "sale")
    return _words("success")


def _import(session: str, name: str) -> HttpResponse:
    imported = begin_or_look(session, name)
    match imported.state:
        case Import.State.DONE:
            return _words("success")
        case Import.State.FAILED:
            return _words("failure", imported.error)
    return _words("progress", str(imported.progress.get("label") or imported.get_state_display()))


def _log_in(request: HttpRequest) -> HttpResponse:
    failures = f"exchange-failures:{address_of(request)}"
    if (cache.get_or_set(failures, 0, _FAILURE_SECONDS) or 0) >= _MOST_FAILURES:
        return _words("failure", "too many attempts, wait ten minutes", status=429)
    if not secrets.compare_digest(_password(request).encode(), settings.CONFIG.exchange_password.encode()):
        cache.incr(failures)
        response = _words("failure", "wrong password", status=401)
        response.headers["WWW-Authenticate"] = 'Basic realm="Regulars"'
        return response
    token = signing.dumps(secrets.token_hex(16), key=_key(), salt=_SALT)
    return _words("success", _COOKIE, token)


def _key() -> str:
    # with another password all exchanges under way end
    return f"{settings.SECRET_KEY}{settings.CONFIG.exchange_password}"


def _password(request: HttpRequest) -> str:
    kind, _space, coded = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "basic":
        return ""
    try:
        return base64.b64decode(coded, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _session(request: HttpRequest) -> str | None:
    try:
        found: str = signing.loads(request.COOKIES.get(_COOKIE, ""), key=_key(), salt=_SALT, max_age=_SESSION_SECONDS)
    except signing.BadSignature:
        return None
    return found


def _words(*lines: str, status: int = 200) -> HttpResponse:
    return HttpResponse("\n".join(lines), content_type="text/plain; charset=utf-8", status=status)
