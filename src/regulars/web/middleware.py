"""What holds for every page: its language, and what the browser may load."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils import translation

from regulars.core.i18n import LANGUAGES, use_language
from regulars.core.i18n import gettext as _

Handler = Callable[[HttpRequest], HttpResponse]

LANGUAGE_COOKIE = "language"
_YEAR = 365 * 24 * 3600

# everything comes from this server; no script or style is written into a page
CONTENT_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)


# a page that reads cards with the camera says so itself
PERMISSIONS = "camera=(), geolocation=(), microphone=()"


def content_policy(handle: Handler) -> Handler:
    """Send the policies with every answer that does not set its own."""

    def with_policy(request: HttpRequest) -> HttpResponse:
        response = handle(request)
        response.headers.setdefault("Content-Security-Policy", CONTENT_POLICY)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS)
        return response

    return with_policy


def from_proxy(handle: Handler) -> Handler:
    """Behind a proxy: who asks is whom the proxy names last; what the browser wrote before that may be a lie."""

    def named(request: HttpRequest) -> HttpResponse:
        chain = request.headers.get("X-Forwarded-For", "")
        if chain:
            request.META["REMOTE_ADDR"] = chain.rpartition(",")[2].strip()
        return handle(request)

    return named


def speak(handle: Handler) -> Handler:
    """Answer in the user's language; before the log-in in the browser's."""

    def in_language(request: HttpRequest) -> HttpResponse:
        language = _language_of(request)
        with use_language(language), translation.override(language):
            response = handle(request)
        response.headers.setdefault("Content-Language", language)
        return response

    return in_language


def comes_with_key(request: HttpRequest) -> bool:
    """Whether a program asks: it is no user, whatever else it sends, and no session is looked for."""
    return "HTTP_AUTHORIZATION" in request.META and request.path.startswith("/api/")


def _language_of(request: HttpRequest) -> str:
    if not comes_with_key(request) and request.user.is_authenticated:
        return request.user.language
    chosen = request.COOKIES.get(LANGUAGE_COOKIE)
    if chosen in LANGUAGES:
        return chosen
    wished = translation.get_language_from_request(request)
    return wished if wished in LANGUAGES else "en"


class WithoutZeroBytes:
    """Refuses words with a zero byte: no keyboard makes one, and PostgreSQL keeps none."""

    def __init__(self, handle: Handler) -> None:
        self.handle = handle

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Only once the page is known."""
        return self.handle(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., object], _arguments: object, _named: object
    ) -> HttpResponse | None:
        """Pages alone have forms; programs send bodies of their own, which must not be read here."""
        if request.path.startswith("/api/"):
            return None  # the API checks what it is sent and answers in JSON
        words = [request.path, *_words(request.GET)]
        if not getattr(view, "csrf_exempt", False):
            words += _words(request.POST)
        if any("\0" in word for word in words):
            return HttpResponse(_("The request holds a zero byte, which no text has."), "text/plain", 400)
        return None


def _words(given: QueryDict) -> list[str]:
    return [word for name, values in given.lists() for word in (name, *values)]
