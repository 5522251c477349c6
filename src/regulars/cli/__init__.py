"""The command line: parse arguments, call, print. No logic lives here."""

import os
import sys
from collections.abc import Sequence

from regulars.cli.stopping import INTERRUPTED, Stopped, orderly_end
from regulars.core.i18n import LANGUAGES, use_language


def main(argv: Sequence[str] | None = None) -> None:
    """Run one command and exit: 0 done, 1 our fault, 2 wrong usage or input, 130 interrupted, 143 terminated."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    # fitting works on tiny matrices: threads of the linear algebra library only wait for each other there
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # the language has to be known before the commands, because their help is translated
    try:
        with orderly_end(), use_language(language_of(arguments, os.environ)):
            from regulars.cli.commands import run

            code = run(arguments)
    except KeyboardInterrupt:  # while the commands were being imported
        code = INTERRUPTED
    except Stopped as stop:
        code = stop.exit_code
    sys.exit(code)


def language_of(arguments: Sequence[str], environment: "os._Environ[str] | dict[str, str]") -> str:
    """`--lang` when given, else the language of the terminal; English for any third one."""
    named = _option(arguments, "--lang")
    if named in LANGUAGES:
        return named
    for variable in ("REGULARS_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = environment.get(variable, "")
        if value:
            return "ru" if value.lower().startswith("ru") else "en"
    return "en"


def _option(arguments: Sequence[str], name: str) -> str:
    for place, argument in enumerate(arguments):
        if argument.startswith(f"{name}="):
            return argument.partition("=")[2]
        if argument == name and place + 1 < len(arguments):
            return arguments[place + 1]
    return ""
