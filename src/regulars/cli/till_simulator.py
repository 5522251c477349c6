"""`regulars till-simulator`: sell, repeat and return against a server, and compare every answer."""

import datetime as dt
import os
import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
from rich.text import Text

from regulars.cli.console import fail, out
from regulars.cli.help import Command
from regulars.cli.options import language_option
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.core.i18n import ngettext

WRONG = 1


def command() -> click.Command:
    """The command with its help in the current language."""
    return Command(
        "till-simulator", callback=_simulate,
        params=[
            click.Option(["--url"], help=_("The server, such as https://crm.example.com; else REGULARS_URL.")),
            click.Option(["--store"], default="SIM", show_default=True, help=_("The store that sells.")),
            click.Option(
                ["--times"], type=click.IntRange(1, 1000), default=5, show_default=True,
                help=_("How often each thing is tried."),
            ),
            click.Option(
                ["--offline"], is_flag=True,
                help=_("Also sell without a line: by a snapshot of the rules, told later. It takes minutes."),
            ),
            click.Option(
                ["--certificates"], type=click.Path(exists=True, dir_okay=False, path_type=Path),
                help=_("Also sell gift certificates and pay with them: a file of numbers that were never sold."),
            ),
            click.Option(["--seed"], type=int, default=1, show_default=True, help=_("Of the baskets.")),
            language_option(),
        ],
        help=_(
            "Try a server of the loyalty programme as a till does: quotes, receipts, repetitions, returns, and what "
            "happened offline. The key is REGULARS_KEY. The receipts stay there: use a test installation."
        ),
    )  # fmt: skip


def _simulate(
    url: str | None, store: str, times: int, offline: bool, certificates: Path | None, seed: int, lang: str | None
) -> int:
    from regulars.demo.till import Till, simulate

    address, key = url or os.environ.get("REGULARS_URL", ""), os.environ.get("REGULARS_KEY", "")
    if not address:
        raise InputError(_("Name the server: --url https://crm.example.com, or REGULARS_URL."))
    if not key:
        raise InputError(_("Give the key of a till: REGULARS_KEY."))
    numbers = _numbers(certificates) if certificates else []
    wrong = 0
    till = Till(address, key, store, random.Random(seed))  # noqa: S311 - baskets, no secrets
    for check in simulate(till, times, _Alone() if offline else None, numbers):
        tried = ngettext("{title}: tried {n} time", "{title}: tried {n} times", check.times).format(
            title=_(check.title), n=check.times
        )
        if check.wrong:
            wrong += 1
            fail(f"{tried}. {check.wrong}")
        else:
            out.print(Text(tried))
    return WRONG if wrong else 0


def _numbers(file: Path) -> list[str]:
    """Those of the file for the printer, without its heading."""
    found = [line.strip() for line in file.read_text(encoding="utf-8-sig", errors="replace").splitlines()]
    numbers = [one for one in found if one.isascii() and one.isdigit()]
    if not numbers:
        raise InputError(
            _("{file} holds no numbers: make them with regulars programme certificates.").format(file=file.name)
        )
    return numbers


class _Alone:
    """The reference: what a till without a line does."""

    def read(self, answer: Any, key: str) -> Any:
        from regulars.loyalty.programme.offline import read
        from regulars.loyalty.signatures import verify

        verify(answer["snapshot"], answer["signature"], key)
        return read(answer["snapshot"])

    def judge(self, snapshot: Any, basket: dict[str, Any], at: dt.datetime) -> dict[str, Any]:
        from regulars.loyalty.programme.basket import Line
        from regulars.loyalty.programme.offline import judge_offline

        lines = [Line(one["product_id"], "", Decimal(one["quantity"]), one["price"]) for one in basket["lines"]]
        judged = judge_offline(snapshot, lines, at=at, has_card=bool(basket["card"]))
        return {"paid": judged.to_pay, "points": judged.points_spent}
