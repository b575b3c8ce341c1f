"""Settings that are entries of the ledger: the texts of a folder with other values."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from portfolio.books.booking_settings import DIRECTIVES
from portfolio.books.ledger_folder import MAIN

FILE: Final = "settings.beancount"
HEADING: Final = "; Settings of the portfolio, as they were changed: see `manage.py portfolio_settings`.\n"
_OPEN = re.compile(r'^([0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2}[ \t]+open[ \t]+[^"\n;]+")([A-Z_]+)(")', re.MULTILINE)
_OPTION = re.compile(r'^([ \t]*option[ \t]+"booking_method"[ \t]+")([A-Z_]+)(")', re.MULTILINE)


def with_method(text: str, before: str, after: str) -> str:
    """The text with another booking method, in Beancount's words: of the option, and of accounts opened with the portfolio's
    method, so that Beancount takes the same lots. Accounts with another method keep it."""

    def replace(match: re.Match[str]) -> str:
        return f"{match[1]}{after}{match[3]}" if match[2] == before else match[0]

    return _OPTION.sub(replace, _OPEN.sub(replace, text))


def with_directives(texts: Mapping[str, str], values: Mapping[str, Any], at: datetime) -> dict[str, str]:
    """The texts by path with one directive for each setting in the whole ledger, in a file that main.beancount includes."""
    names = "|".join(re.escape(DIRECTIVES[name]) for name in values)
    directive = re.compile(
        rf'^[0-9]{{4}}[-/][0-9]{{1,2}}[-/][0-9]{{1,2}}[ \t]+custom[ \t]+"tieout"[ \t]+"(?:{names})"[^\n]*\n?',
        re.MULTILINE,
    )
    without = {path: directive.sub("", text) for path, text in texts.items()}
    lines = "".join(
        f'{at.date().isoformat()} custom "tieout" "{DIRECTIVES[name]}" {as_text(value)}\n'
        for name, value in values.items()
    )
    if FILE not in without:
        without[MAIN] = without[MAIN].rstrip("\n") + f'\n\ninclude "{FILE}"\n'
    return without | {FILE: without.get(FILE, HEADING) + lines}


def as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    return f'"{value}"'
