"""Collect every string that a person sees, and bring the translation catalogues up to date.

Run as `make messages`. Existing translations stay, new strings come in empty, strings that are gone go.
The files carry no dates and no line numbers, so they change only when a string does.
"""

from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "regulars"
METHODS = [("**.py", "python"), ("**/templates/**", "jinja2.ext:babel_extract")]
KEYWORDS = {
    "_": None,
    "gettext": None,
    "N_": None,
    "ngettext": (1, 2),
    "said": None,
    "nsaid": (1, 2),
    "pgettext": ((1, "c"), 2),
}
HEADER = r"""msgid ""
msgstr ""
"Language: ru\n"
"Content-Type: text/plain; charset=utf-8\n"
"Plural-Forms: nplurals=3; "
"plural=(n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2);\n"

"""


def extracted_catalogue() -> Catalog:
    """Every marked string of the product, with the files that it occurs in."""
    catalogue = Catalog()
    found = extract_from_dir(SOURCE, method_map=METHODS, keywords=KEYWORDS, comment_tags=("Translators:",))
    for file, _line, message, comments, context in found:
        # without line numbers: they change with every edit
        catalogue.add(message, locations=[(Path(file).as_posix(), 0)], auto_comments=comments, context=context)
    return catalogue


def catalogue_path(language: str) -> Path:
    """Where the translations into `language` are kept."""
    return SOURCE / "locale" / language / "LC_MESSAGES" / "regulars.po"


def read_catalogue(language: str) -> Catalog:
    """The translations into `language` as they are on disk."""
    with catalogue_path(language).open("rb") as file:
        return read_po(file, locale=language)


def update(language: str) -> int:
    """Bring the catalogue of `language` up to date; the number of strings that wait for a translator."""
    catalogue = read_catalogue(language)
    catalogue.update(extracted_catalogue(), no_fuzzy_matching=True)
    with catalogue_path(language).open("wb") as file:
        file.write(HEADER.encode())
        write_po(
            file, catalogue, omit_header=True, sort_output=True, ignore_obsolete=True, include_lineno=False, width=110
        )
    return sum(1 for message in read_catalogue(language) if message.id and not is_complete(message))


def is_complete(message: Message) -> bool:
    """Whether the translation, or each of its plural forms, is there and is not a guess."""
    return not message.fuzzy and all(forms(message))


def forms(message: Message) -> tuple[str, ...]:
    """The translation, or its plural forms."""
    return tuple(message.string) if message.pluralizable else (message.string,)


if __name__ == "__main__":
    waiting = update("ru")
    print(f"ru: {waiting} strings to translate" if waiting else "ru: every string is translated")
