"""What a portfolio is called. It is no setting: no figure is computed by it."""

from typing import Final

from config import plain_text
from portfolio.models import Portfolio
from portfolio.portfolio_settings.changes import SettingsRefused

MAX_LENGTH: Final = Portfolio._meta.get_field("name").max_length or 0


def find_fault(name: str) -> str:
    """Why a portfolio can't be called so; empty if it can."""
    if not name.strip():
        return "a portfolio has a name"
    if len(name) > MAX_LENGTH:
        return f"is longer than {MAX_LENGTH} characters"
    if plain_text.find_hidden(name) is not None:
        return "has characters that can't be seen, or that turn the way of what follows"
    return ""


def rename(*, portfolio: Portfolio, name: str) -> bool:
    """Call a portfolio otherwise; whether it was called otherwise before.

    raises   SettingsRefused
    """
    if fault := find_fault(name):
        raise SettingsRefused((("name", fault),))
    if portfolio.name == name.strip():
        return False
    portfolio.name = name.strip()
    portfolio.save(update_fields=["name"])
    return True
