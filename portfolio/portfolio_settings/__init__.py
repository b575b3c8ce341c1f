"""The settings of a portfolio: what they are, what a request has of them, and how they are changed."""

from portfolio.books.booking_settings import DIRECTIVES
from portfolio.portfolio_settings.changes import (
    CHOICES,
    CurrentSettings,
    SettingsChange,
    SettingsRefused,
    change,
    show,
)
from portfolio.portfolio_settings.columns import BENCHMARK, FIXED, SETTINGS, as_dict, restore, take_from
from portfolio.portfolio_settings.naming import MAX_LENGTH as MAX_NAME
from portfolio.portfolio_settings.naming import find_fault as find_name_fault
from portfolio.portfolio_settings.naming import rename

__all__ = [
    "BENCHMARK",
    "CHOICES",
    "DIRECTIVES",
    "FIXED",
    "MAX_NAME",
    "SETTINGS",
    "CurrentSettings",
    "SettingsChange",
    "SettingsRefused",
    "as_dict",
    "change",
    "find_name_fault",
    "rename",
    "restore",
    "show",
    "take_from",
]
