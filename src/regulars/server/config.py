"""What an operator may set: from the environment or one TOML file, each value checked with its cure.

Every option has one name: `web_processes` in the file is `REGULARS_WEB_PROCESSES` in the environment, which wins.
Only the database's address keeps the name that every host gives it: `DATABASE_URL`.
"""

import os
import re
import secrets
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from regulars.core.errors import InputError
from regulars.core.i18n import N_
from regulars.core.i18n import gettext as _

FILE = "regulars.toml"
_KEY_FILE = "secret.key"
_DATABASE_SCHEMES = ("postgres", "postgresql")
_OF_THE_MACHINE = ("address", "web_processes", "worker_jobs", "upload_limit_mb", "memory_limit")
_SHORTEST_SECRET = 40
_SHORTEST_PASSWORD = 16


def _option(default: Any, help_text: str) -> Any:
    return field(default=default, metadata={"help": help_text})


def _secret(help_text: str) -> Any:
    # left out where the settings are shown as a whole: in a traceback, in a log
    return field(default="", repr=False, metadata={"help": help_text})


@dataclass(frozen=True)
class Config:
    """All settings of an installation. `home` is the folder with its data."""

    home: Path
    database_url: str = _secret(N_("PostgreSQL to use; without it an own one runs in the data folder"))
    secret_key: str = _secret(N_("signs sessions; without it the one that `regulars init` wrote is used"))
    address: str = _option("127.0.0.1:8000", N_("host and port that the web server listens on"))
    public_url: str = _option("", N_("how browsers reach it, such as https://crm.example.com; else the address"))
    behind_proxy: bool = _option(False, N_("whether a proxy in front sets X-Forwarded-Proto and X-Forwarded-For"))
    web_processes: int = _option(2, N_("processes that answer pages"))
    worker_jobs: int = _option(2, N_("background jobs that run at once"))
    upload_limit_mb: int = _option(500, N_("largest file that may be uploaded, in megabytes"))
    exchange_password: str = _secret(N_("lets 1C send CommerceML to /exchange/1c/; empty: closed"))
    memory_limit: str = _option("4GB", N_("memory for one audit"))
    mail_url: str = _secret(N_("server that sends letters: smtp://user:password@host:587"))
    mail_from: str = _option("", N_("sender of letters, such as crm@example.com"))
    development: bool = _option(False, N_("show errors in the browser; never on a server"))

    @property
    def url(self) -> str:
        """How browsers reach the application, without a slash at the end."""
        return (self.public_url or f"http://{self.address}").rstrip("/")

    @property
    def is_secure(self) -> bool:
        """Whether browsers come by https."""
        return self.url.startswith("https://")

    @property
    def uses_own_database(self) -> bool:
        """Whether PostgreSQL runs in the data folder."""
        return not self.database_url

    @property
    def secret_file(self) -> Path:
        """Where the key lives that `regulars init` makes."""
        return self.home / _KEY_FILE

    def secret(self) -> str:
        """The key that signs sessions and links; `InputError` when there is none."""
        if self.secret_key:
            return self.secret_key
        try:
            return self.secret_file.read_text().strip()
        except FileNotFoundError:
            raise InputError(
                _("There is no secret key in {folder}. Run: regulars init").format(folder=self.home)
            ) from None


def load(environment: Mapping[str, str] = os.environ) -> Config:
    """The settings of this process; `InputError` names the wrong value and the cure."""
    home = Path(environment.get("REGULARS_HOME") or _default_home(environment)).expanduser().absolute()
    given = _file_values(
        Path(environment.get("REGULARS_CONFIG") or home / FILE), required=bool(environment.get("REGULARS_CONFIG"))
    )
    for option in options():
        name = variable_of(option)
        if environment.get(name):
            given[option.name] = _parsed(option, environment[name], name)
    config = Config(home=home, **given)
    _check(config)
    return config


def options() -> tuple[Field[Any], ...]:
    """All that can be set but the folder itself."""
    return tuple(one for one in fields(Config) if one.default is not MISSING)


def variable_of(option: Field[Any]) -> str:
    """What the option is called in the environment."""
    return "DATABASE_URL" if option.name == "database_url" else f"REGULARS_{option.name.upper()}"


def forget_other_installations() -> None:
    """Take from the environment all that names another installation; what suits the machine stays."""
    os.environ.pop("REGULARS_CONFIG", None)
    for option in options():
        if option.name not in _OF_THE_MACHINE:
            os.environ.pop(variable_of(option), None)


def write_secret(config: Config) -> None:
    """Make the installation's key; an existing one stays."""
    if config.secret_key or config.secret_file.exists():
        return
    # made with its narrow rights, so that nobody can read it in between
    handle = os.open(config.secret_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_urlsafe(48))


def _default_home(environment: Mapping[str, str]) -> str:
    return str(Path(environment.get("XDG_DATA_HOME") or "~/.local/share") / "regulars")


def _file_values(path: Path, *, required: bool) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            values = tomllib.load(file)
    except FileNotFoundError:
        if required:
            raise InputError(_("REGULARS_CONFIG names {file}, and there is no such file.").format(file=path)) from None
        return {}
    except tomllib.TOMLDecodeError as error:
        raise InputError(_("{file} is not TOML: {error}").format(file=path, error=error)) from None
    known = {one.name: one for one in options()}
    for name, value in values.items():
        if name not in known:
            raise InputError(
                _("{file}: there is no setting {name}. There are: {names}.").format(
                    file=path, name=name, names=", ".join(known)
                )
            )
        values[name] = _parsed(known[name], value, f"{path}: {name}")
    return values


def _parsed(option: Field[Any], value: Any, where: str) -> Any:
    kind = type(option.default)
    if isinstance(value, kind):
        return value
    reader = _READERS.get(kind)
    if reader is None or not isinstance(value, str):
        raise InputError(_("{where} must be of the kind of {example!r}, not {value!r}.").format(
            where=where, example=option.default, value=value
        ))  # fmt: skip
    try:
        return reader(value)
    except ValueError:
        raise InputError(
            _("{where} must be of the kind of {example!r}, not {value!r}.").format(
                where=where, example=option.default, value=value
            )
        ) from None


def _truth(text: str) -> bool:
    words = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    if text.lower() not in words:
        raise ValueError(text)
    return words[text.lower()]


_READERS: dict[type, Callable[[str], Any]] = {bool: _truth, int: int, str: str}


def unreadable() -> str:
    """What is said of an address of the database that is none; the address itself holds the password."""
    return _("DATABASE_URL cannot be read. Signs such as @ / : # % in its password are written as %40 %2F %3A %23 %25.")


def _address_of_database(url: str) -> SplitResult | None:
    """None when other programs would take a part of the password for something else."""
    try:
        parts = urlsplit(url)
        _port = parts.port
    except ValueError:
        return None
    return parts if parts.netloc.count("@") <= 1 else None


def _check(config: Config) -> None:
    for holds, message in _rules(config):
        if not holds:
            raise InputError(message)


def _rules(config: Config) -> list[tuple[bool, str]]:
    host, _colon, port = config.address.rpartition(":")
    database, public = _address_of_database(config.database_url), urlsplit(config.url)
    return [
        (
            bool(host) and port.isdigit() and int(port) < 2**16,
            _("address must be a host and a port, such as 127.0.0.1:8000, not {value!r}.").format(value=config.address),
        ),
        (database is not None, unreadable()),
        (
            not config.database_url or database is None or database.scheme in _DATABASE_SCHEMES,
            _("DATABASE_URL must begin with postgresql://. Other databases are not supported."),
        ),
        (
            public.scheme in ("http", "https") and bool(public.hostname) and public.path in ("", "/"),
            _("public_url must be like https://crm.example.com, without a path, not {value!r}.").format(
                value=config.public_url
            ),
        ),
        (
            not config.secret_key or len(config.secret_key) >= _SHORTEST_SECRET,
            _("secret_key is too short: give at least {count} random characters.").format(count=_SHORTEST_SECRET),
        ),
        (
            config.web_processes >= 1 and config.worker_jobs >= 1,
            _("web_processes and worker_jobs must be at least 1."),
        ),
        (
            not config.exchange_password or len(config.exchange_password) >= _SHORTEST_PASSWORD,
            _("exchange_password is too short: give at least {count} characters.").format(count=_SHORTEST_PASSWORD),
        ),
        (config.upload_limit_mb >= 1, _("upload_limit_mb must be at least 1.")),
        (
            re.fullmatch(r"\d+(\.\d+)?\s*[KMGT]i?B", config.memory_limit, re.IGNORECASE) is not None,
            _("memory_limit must be like 4GB, not {value!r}.").format(value=config.memory_limit),
        ),
        (
            not config.mail_url or (urlsplit(config.mail_url).scheme in ("smtp", "smtps") and bool(config.mail_from)),
            _("mail_url must begin with smtp:// or smtps://, and mail_from must name the sender."),
        ),
        (
            not (config.development and config.is_secure),
            _("development is for one's own machine: with an https address errors would be shown to everybody."),
        ),
    ]
