"""What must hold for the project as a whole: lock files, translations, what an audit may load."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.catalog import Catalog, Message
from packaging.requirements import Requirement
from packaging.version import Version

from tools.messages import ROOT, extracted_catalogue, forms, is_complete, read_catalogue

LOCK_FILES = sorted((ROOT / "requirements").glob("*.txt"))
PIN = re.compile(r"(?P<name>[a-z0-9-]+)==(?P<version>[\w.!+]+)(?: ; (?P<marker>[^\\]+))? \\")
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}(?: \\)?")


def pins_of(lock_file: Path) -> dict[str, list[Version]]:
    pins: dict[str, list[Version]] = {}
    for match in filter(None, map(PIN.fullmatch, lock_file.read_text().splitlines())):
        pins.setdefault(match["name"], []).append(Version(match["version"]))
    return pins


@pytest.mark.parametrize("lock_file", LOCK_FILES, ids=lambda path: path.name)
def test_a_lock_file_holds_exact_versions_and_hashes_and_nothing_else(lock_file: Path) -> None:
    lines = lock_file.read_text().splitlines()
    assert [line for line in lines if not PIN.fullmatch(line) and not HASH.fullmatch(line)] == []
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        assert line.endswith("\\") == following.startswith("    --hash"), f"no hash below: {line}"


@pytest.mark.parametrize(
    ("file", "extras"), [("app.txt", ["demo"]), ("dev.txt", ["demo", "dev"]), ("spark.txt", ["spark"])]
)
def test_a_lock_file_satisfies_every_requirement_of_pyproject(file: str, extras: list[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = list(project["dependencies"])
    for extra in extras:
        wanted += project["optional-dependencies"][extra]
    pins = pins_of(ROOT / "requirements" / file)
    for requirement in map(Requirement, wanted):
        versions = pins.get(requirement.name.lower().replace("_", "-"), [])
        assert versions, f"{requirement.name} is not locked: make lock"
        assert all(requirement.specifier.contains(version, prereleases=True) for version in versions), requirement


def test_the_lock_files_agree_with_each_other() -> None:
    dev = pins_of(ROOT / "requirements" / "dev.txt")
    for lock_file in LOCK_FILES:
        pins = pins_of(lock_file)
        different = {name for name in pins.keys() & dev.keys() if pins[name] != dev[name]}
        assert not different, f"{lock_file.name} and dev.txt: {different}"


@pytest.fixture(scope="module")
def source() -> Catalog:
    return extracted_catalogue()


@pytest.fixture(scope="module")
def russian() -> Catalog:
    return read_catalogue("ru")


def key(message: Message) -> tuple[str | None, str]:
    return message.context, message.id[0] if message.pluralizable else message.id


def keys(catalogue: Catalog) -> set[tuple[str | None, str]]:
    return {key(message) for message in catalogue if message.id}


def test_the_catalogue_holds_the_strings_of_the_source_and_no_others(source: Catalog, russian: Catalog) -> None:
    assert keys(source) - keys(russian) == set(), "new strings: make messages, then translate"
    assert keys(russian) - keys(source) == set(), "strings that are gone: make messages"
    assert not russian.obsolete


def test_every_string_is_translated_into_russian(russian: Catalog) -> None:
    assert [message.id for message in russian if message.id and not is_complete(message)] == []


def test_every_plural_has_three_russian_forms(source: Catalog, russian: Catalog) -> None:
    for message in source:
        if message.pluralizable:
            translation = russian.get(message.id[0], message.context)
            assert translation is not None, message.id
            assert len(forms(translation)) == 3, message.id


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_translations_keep_the_placeholders(russian: Catalog) -> None:
    for message in russian:
        if not message.id:
            continue
        # the English singular may say "one row"; no Russian form may, because the first serves 21 too
        expected = placeholders(message.id[1] if message.pluralizable else message.id)
        for form in forms(message):
            assert placeholders(form) == expected, f"{message.id!r}: {form!r}"


LOAD_EVERYTHING = """
import importlib, pkgutil, sys
import regulars
for name in ("core", "analytics", "demo", "ingest", "report"):
    package = importlib.import_module(f"regulars.{name}")
    for module in pkgutil.walk_packages(package.__path__, f"regulars.{name}."):
        importlib.import_module(module.name)
print(sorted({name.partition(".")[0] for name in sys.modules} & {"django", "ninja", "pandas"}))
"""


def test_an_audit_loads_neither_django_nor_pandas() -> None:
    run = subprocess.run([sys.executable, "-c", LOAD_EVERYTHING], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout.strip()) == (0, "[]"), run.stderr


def test_nothing_loads_the_slowest_parts_of_scipy_before_they_are_asked_for() -> None:
    """`import scipy` loads `scipy.stats` at its first use: half a second of each command and process."""
    named = re.compile(r"^(from|import) scipy(\.(stats|optimize)| import .*\b(stats|optimize)\b)", re.MULTILINE)
    assert [str(one) for one in (ROOT / "src").rglob("*.py") if named.search(one.read_text())] == []
