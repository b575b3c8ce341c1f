"""The one place that reads the environment. A variable that is missing or malformed is refused by its name.

An empty variable counts as unset, since that is how a compose file passes on what nobody gave.
"""

import contextlib
import os
import secrets
from pathlib import Path

from config.errors import TieoutError

PROJECT = Path(__file__).resolve().parent.parent

TRUE = frozenset({"1", "true", "yes", "on"})
FALSE = frozenset({"0", "false", "no", "off"})
GONE = {
    "RECONCILIATION_MAX_BROKEN": "is gone: a portfolio whose books differ stops nobody else, so there is nothing to allow"
}


class SettingInvalid(TieoutError):
    """An environment variable is missing or can't be read; its value is never repeated, it may be a secret."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name} {problem}")
        self.name, self.problem = name, problem


def is_set(name: str) -> bool:
    return bool(_read(name))


def refuse_gone() -> None:
    """Raise SettingInvalid where a variable is set that no longer means anything: who relies on it has to know."""
    for name, problem in GONE.items():
        if is_set(name):
            raise SettingInvalid(name, problem)


def text(name: str, *, default: str) -> str:
    return _read(name) or default


def required(name: str) -> str:
    value = _read(name)
    if not value:
        raise SettingInvalid(name, "is not set")
    return value


def items(name: str, *, default: tuple[str, ...] = ()) -> list[str]:
    """The items of a list that commas part."""
    value = _read(name)
    return [item.strip() for item in value.split(",") if item.strip()] if value else list(default)


def flag(name: str, *, default: bool) -> bool:
    value = _read(name).lower()
    if not value:
        return default
    if value not in TRUE | FALSE:
        raise SettingInvalid(name, "must be one of 1, 0, true, false, yes, no, on, off")
    return value in TRUE


def integer(name: str, *, default: int, minimum: int = 0) -> int:
    value = _read(name)
    if not value:
        return default
    try:
        number = int(value)
    except ValueError as exc:
        raise SettingInvalid(name, "must be a whole number") from exc
    if number < minimum:
        raise SettingInvalid(name, f"must be at least {minimum}")
    return number


def path(name: str, *, default: Path) -> Path:
    """The path, absolute; a relative one starts at the project, not at the folder the command was typed in."""
    return (PROJECT / Path(_read(name) or default).expanduser()).resolve()


def embedded() -> bool:
    """Whether config.embedded provided the database."""
    return flag("TIEOUT_EMBEDDED", default=False)


def development() -> bool:
    """Whether this is a checkout that somebody works on, by DEBUG; unset, only where nothing names a database."""
    return flag("DEBUG", default=embedded() or not is_set("DATABASE_URL"))


def debug_pages() -> bool:
    """Whether failures are shown with their stack, by DEBUG=1 alone: in `make serve` pages are those that users see."""
    return flag("DEBUG", default=False)


def secret(name: str, *, minimum: int) -> str:
    """A secret of at least so many characters, of five different ones, and not one that a generator marks as insecure."""
    return _random_enough(name, required(name), minimum)


def _random_enough(name: str, value: str, minimum: int) -> str:
    if value.startswith("django-insecure-"):
        raise SettingInvalid(name, "begins with django-insecure-: make one that nobody else has")
    if len(value) < minimum or len(set(value)) < 5:
        raise SettingInvalid(name, f"must be at least {minimum} random characters")
    return value


def secrets_of(name: str, *, minimum: int) -> list[str]:
    """The secrets of a list that commas part, each as `secret` has it; none where it is not set."""
    return [_random_enough(name, each, minimum) for each in items(name)]


def secret_or_own(name: str, *, minimum: int, own_file: Path) -> str:
    """The secret; in development, where it is not set, the checkout's own.

    That is made once and kept in a file, so that no key stands in the repository and what it signed outlives a restart.
    """
    if not development():
        return secret(name, minimum=minimum)
    return text(name, default="") or _own_secret(own_file)


def _own_secret(own_file: Path) -> str:
    if not own_file.exists():
        own_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        whole = own_file.with_name(f"{own_file.name}.{os.getpid()}")
        with os.fdopen(os.open(whole, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(50))
        with contextlib.suppress(FileExistsError):  # another process was first, and its secret is the one
            os.link(whole, own_file)
        whole.unlink()
    return own_file.read_text()


def var() -> Path:
    """The folder of everything that a new `make demo` would make again."""
    return path("TIEOUT_VAR", default=PROJECT / "var")


def _read(name: str) -> str:
    return os.environ.get(name, "").strip()
