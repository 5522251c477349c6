"""The templates' language: Jinja, as in the report, with the same catalogue of translations."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import jinja2
from django.conf import settings
from django.contrib.messages import get_messages
from django.templatetags.static import static
from django.urls import NoReverseMatch, reverse

from regulars.accounts.models import User
from regulars.accounts.rights import Right
from regulars.core import i18n
from regulars.core.money import format_money
from regulars.customers.contact_values import masked, shown_phone
from regulars.customers.names import shown_name
from regulars.web.menu import business_name, loyalty_tabs, menu, settings_tabs


def environment(**options: Any) -> jinja2.Environment:
    """The environment of all pages. Everything is escaped; an unknown name is an error."""
    # Django asks for escaping; it is named here too, because everything hangs on it
    del options["autoescape"]
    options |= {"loader": jinja2.PackageLoader("regulars.web"), "undefined": jinja2.StrictUndefined}
    options |= {"trim_blocks": True, "lstrip_blocks": True, "extensions": ["jinja2.ext.i18n", "jinja2.ext.do"]}
    made = jinja2.Environment(autoescape=True, **options)
    compiled = Path(settings.COMPILED_ROOT)
    if compiled.is_dir():
        # else whoever opens a page first after a start waits for its compiler
        made.bytecode_cache = _Compiled(str(compiled))
    # looked up at each call: the language is that of the request
    made.install_gettext_callables(  # type: ignore[attr-defined]
        i18n.gettext, i18n.ngettext, newstyle=False, pgettext=i18n.pgettext
    )
    made.globals |= {
        "static": static,
        "url": _url,
        "money": format_money,
        "number": i18n.format_number,
        "percent": i18n.format_percent,
        "day": i18n.format_date,
        "moment": i18n.format_moment,
        "language": i18n.current_language,
        "menu": menu,
        "settings_tabs": settings_tabs,
        "loyalty_tabs": loyalty_tabs,
        "business_name": business_name,
        "messages_of": get_messages,
        "name_of": shown_name,
        "shown_phone": shown_phone,
        "masked_contact": masked,
        "has_page": _has_page,
        "allowed": _allowed,
    }
    return made


class _Compiled(jinja2.FileSystemBytecodeCache):
    """Pages that were compiled before. Where nothing can be written each process compiles its own, as without it."""

    def dump_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
        with suppress(OSError):
            super().dump_bytecode(bucket)


def compile_templates() -> None:
    """Compile all pages of this version, for every process of this machine."""
    Path(settings.COMPILED_ROOT).mkdir(mode=0o700, exist_ok=True)
    made = environment(autoescape=True)
    for name in made.list_templates(extensions=["html"]):
        made.get_template(name)


def _url(name: str, *arguments: Any, **named: Any) -> str:
    return reverse(name, args=arguments, kwargs=named)


def _allowed(user: User, right: str) -> bool:
    return user.may(Right(right))


def _has_page(name: str) -> bool:
    try:
        reverse(name)
    except NoReverseMatch:
        return False
    return True
