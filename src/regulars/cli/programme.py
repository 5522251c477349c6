"""`regulars programme`: check a set of rules, publish it, and see which versions there are."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from regulars.cli.console import out
from regulars.cli.help import Command, Group
from regulars.cli.options import language_option
from regulars.core.errors import InputError
from regulars.core.i18n import format_moment, format_number
from regulars.core.i18n import gettext as _

DAYS = 90


def command() -> click.Command:
    """The commands with their help in the current language."""
    group = Group("programme", help=_("The loyalty programme: its rules and their versions."))
    file = click.Argument(["file"], type=click.Path(exists=True, dir_okay=False, path_type=Path))
    begin = click.Option(
        ["--from"], type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M"]),
        help=_("From when the rules are valid, by the clock of the business; from now when left out."),
    )  # fmt: skip
    note = click.Option(["--note"], default="", help=_("What is new, for people."))
    short = click.Option(
        ["--short-notice"], is_flag=True, help=_("Publish also what ends something for members within a week.")
    )
    group.add_command(
        Command(
            "check", callback=_check, params=[file, language_option()],
            help=_("Read the rules and say what they mean, without changing anything."),
        )
    )  # fmt: skip
    group.add_command(
        Command(
            "publish", callback=_publish, params=[file, begin, note, short, language_option()],
            help=_("Let tills sell by these rules. What is published is never changed, only followed."),
        )
    )  # fmt: skip
    days = click.Option(
        ["--days"], type=int, default=DAYS, show_default=True, help=_("How many days of purchases to look back.")
    )
    group.add_command(
        Command(
            "simulate", callback=_simulate, params=[file, days, language_option()],
            help=_("Judge past purchases by the rules: what they would have cost, and whom they would have touched."),
        )
    )  # fmt: skip
    group.add_command(
        Command(
            "codes", callback=_codes, help=_("Make promo codes that can be used so many times; one in a line."),
            params=[
                click.Argument(["name"]),
                click.Option(["--count"], type=int, default=0, help=_("How many codes for anybody.")),
                click.Option(["--word"], default="", help=_("One code for all: this word.")),
                click.Option(["--segment"], type=int, help=_("A personal code for each customer of this segment.")),
                click.Option(["--uses"], type=int, default=1, show_default=True, help=_("How often each may be used.")),
                click.Option(["--until"], type=click.DateTime(["%Y-%m-%d"]), help=_("The last day.")),
                language_option(),
            ],
        )
    )  # fmt: skip
    group.add_command(
        Command(
            "gifts", callback=_gifts, params=[language_option()],
            help=_("Measure the catalogue of gifts now: who could take what, slow goods, time to the first reward."),
        )
    )  # fmt: skip
    group.add_command(
        Command(
            "cards", callback=_cards, help=_("Make numbers of cards for the printer; one in a line."),
            params=[
                click.Argument(["name"]),
                click.Option(["--count"], type=int, required=True, help=_("How many cards.")),
                click.Option(["--prefix"], help=_("How numbers begin; 290 when left out.")),
                click.Option(
                    ["--digits"], type=int,
                    help=_("How long a number is, with a check digit as on bank cards; an EAN-13 when left out."),
                ),
                click.Option(["--in-sequence"], is_flag=True, help=_("One after the other: such numbers are guessed.")),
                language_option(),
            ],
        )
    )  # fmt: skip
    group.add_command(
        Command(
            "certificates", callback=_certificates, help=_("Make gift certificates for the printer; one in a line."),
            params=[
                click.Argument(["name"]),
                click.Option(["--count"], type=int, required=True, help=_("How many certificates.")),
                click.Option(["--amount"], required=True, help=_("For how much money each is sold.")),
                click.Option(["--days"], type=int, help=_("How many days one lives once it is sold; else for ever.")),
                language_option(),
            ],
        )
    )  # fmt: skip
    group.add_command(
        Command("versions", callback=_versions, params=[language_option()], help=_("All versions, the newest first."))
    )
    return group


def _check(file: Path, lang: str | None) -> None:
    from regulars.loyalty.programme.rules import parse
    from regulars.loyalty.programme.words import Words

    rules = parse(_read(file))
    words = Words(rules)
    for one in rules.rules:
        out.print(Text(f"{one.id}: {words.rule(one)}"))
    for sentence in words.whole_set():
        out.print(Text(sentence))
    if warned := _unguarded(rules.guard):
        out.print(Text(warned))


def _unguarded(guard: Any) -> str:
    """What the guard cannot guard here; rules are checked on a machine without an installation, too."""
    from regulars.server.config import load

    config = load()
    if guard is None or not (config.secret_key or config.secret_file.exists()):
        return ""
    from regulars.server.application import application

    try:
        with application(config):
            from regulars.loyalty.unguarded import unguarded, warning

            return warning(unguarded(guard), guard)
    except InputError as silent:
        return _("What the margin guard cannot guard is not known here: {why}").format(why=silent)


def _publish(file: Path, note: str, short_notice: bool, lang: str | None, **given: Any) -> None:
    from regulars.server.application import application
    from regulars.server.config import load

    data, begin = _read(file), given["from"]
    with application(load()):
        from regulars.foundation.models import Business
        from regulars.insights.selectors.membership import segment_names
        from regulars.loyalty.programmes import checked, publish

        zone = Business.current().zone
        begin, segments = begin and begin.replace(tzinfo=zone), segment_names()
        if not short_notice:
            _check_notice(checked(data, segments=segments), begin)
        made = publish(data, by=None, valid_from=begin, note=note, segments=segments)
    out.print(Text(_("Published: valid from {moment}.").format(moment=format_moment(made.valid_from, zone))))


def _check_notice(rules: Any, begin: dt.datetime | None) -> None:
    """Raise when it ends something for members within a week."""
    from regulars.loyalty.notice import short_notice
    from regulars.web.programme import names_of

    if found := short_notice(rules, begin, names_of=names_of):
        ends = "\n".join([_("What ends:"), *(f"- {one}" for one in found.ends)])
        cure = _("Give --from a later day, or --short-notice to publish it all the same.")
        raise InputError(f"{found.said}\n{ends}\n{cure}")


def _simulate(file: Path, days: int, lang: str | None) -> None:
    from regulars.server.application import application
    from regulars.server.config import load

    data = _read(file)
    with application(load()):
        from regulars.insights.selectors.membership import by_segment, segment_names, segments_of
        from regulars.loyalty.programmes import checked
        from regulars.loyalty.simulated_words import rows, segment_rows, sentences, tier_rows
        from regulars.loyalty.simulating import simulate

        rules = checked(data, segments=segment_names())
        found = simulate(rules, days=days, segments=segments_of, among=by_segment)
    for sentence in sentences(found, rules):
        out.print(Text(sentence))
    table = Table(_("Rule"), _("Customers"), _("Cost"))
    for row in rows(found, rules):
        table.add_row(*map(Text, row))
    out.print(table)
    for title, groups in ((_("By tier"), tier_rows(found, rules)), (_("By segment"), segment_rows(found, rules))):
        if groups:
            table = Table(title, _("Customers"), _("Discounts"), _("Points, in money"), _("Margin left"))
            for group in groups:
                table.add_row(*map(Text, group[:-1]))
            out.print(table)


def _codes(name: str, count: int, word: str, segment: int | None, lang: str | None, **given: Any) -> None:
    from regulars.server.application import application
    from regulars.server.config import load

    if [count > 0, bool(word), segment is not None].count(True) != 1:
        raise InputError(_("Give one of --count, --word and --segment."))
    with application(load()):
        from regulars.insights.selectors.membership import people_of
        from regulars.loyalty.codes import make_codes

        people = [] if segment is None else people_of(segment)
        until = given["until"] and given["until"].date()
        lines = ["code,customer_id"] if people else ["code"]
        made = make_codes(name, count=count, word=word, customers=people, uses=given["uses"], until=until)
        for code, customer in made:
            lines.append(f"{code},{customer}" if people else code)
    # only when all are written: a list that ends early would be taken for the whole
    click.echo("\n".join(lines))


def _gifts(lang: str | None) -> None:
    from regulars.server.application import application
    from regulars.server.config import load

    with application(load()):
        from django.utils import timezone

        from regulars.loyalty.gifts import catalogue
        from regulars.loyalty.measured_words import attractiveness, time_to_reward
        from regulars.loyalty.measuring import measure

        found = measure(timezone.now())
        titles = {one.pk: one.name for one in catalogue()}
    for sentence in (*attractiveness(found), *time_to_reward(found.rewards)):
        out.print(Text(sentence))
    table = Table(_("Gift"), _("Can take it"), _("It suits"), _("Both"), _("Slow goods"))
    for key, one in found.gifts.items():
        counts = (format_number(count) for count in (one.can, one.want, one.both))
        table.add_row(*map(Text, (titles[key], *counts, _("yes") if one.is_slow else "")))
    out.print(table)


def _cards(name: str, lang: str | None, **given: Any) -> None:
    from regulars.server.application import application
    from regulars.server.config import load

    wanted = {key: value for key, value in given.items() if value is not None}
    with application(load()):
        from regulars.loyalty.cards import Scheme, make_cards, numbers_of

        batch = make_cards(name, scheme=Scheme.LUHN if "digits" in wanted else Scheme.EAN13, **wanted)
        click.echo("number")
        for number in numbers_of(batch):
            click.echo(number)


def _certificates(name: str, count: int, amount: str, days: int | None, lang: str | None) -> None:
    from regulars.server.application import application
    from regulars.server.config import load

    with application(load()):
        from regulars.core.money import read_money
        from regulars.foundation.models import Business
        from regulars.loyalty.certificates import make_certificates, take_numbers

        each = read_money(amount, Business.current().currency)
        batch = make_certificates(name, count=count, amount=each, days=days, by=None)
        click.echo("number")
        for number in take_numbers(batch, by=None):
            click.echo(number)


def _versions(lang: str | None) -> None:
    from regulars.server.application import application
    from regulars.server.config import load

    with application(load()):
        from regulars.foundation.models import Business
        from regulars.loyalty.programmes import versions

        zone, found = Business.current().zone, versions()
    for one in found:
        out.print(Text(f"{format_moment(one.valid_from, zone)}  {one.note}".rstrip()))
    if not found:
        out.print(Text(_("Nothing is published yet.")))


def _read(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(_("{file} is no JSON: {why}").format(file=file, why=error)) from error
