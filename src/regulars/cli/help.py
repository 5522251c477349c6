"""Help pages in both languages: click words its own headings in English only."""

import click

from regulars.core.i18n import gettext as _


class _Translated(click.Command):
    """The parts of a help page that click would write itself."""

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        pieces = " ".join(self.collect_usage_pieces(ctx))
        formatter.write_usage(ctx.command_path, pieces, prefix=_("Usage:") + " ")

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        options = [param for param in self.get_params(ctx) if isinstance(param, click.Option)]
        rows = [record for option in options if (record := option.get_help_record(ctx)) is not None]
        if rows:
            with formatter.section(_("Options")):
                formatter.write_dl(rows)

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        option = super().get_help_option(ctx)
        if option is not None:
            option.help = _("Show this page and leave.")
        return option


class Command(_Translated):
    """A command."""


class Group(_Translated, click.Group):
    """The list of commands."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_options(ctx, formatter)
        rows = [(name, command.get_short_help_str(70)) for name, command in sorted(self.commands.items())]
        with formatter.section(_("Commands")):
            formatter.write_dl(rows)
