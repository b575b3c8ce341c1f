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

__all__ = [
    "BENCHMARK",
    "CHOICES",
    "DIRECTIVES",
    "FIXED",
    "SETTINGS",
    "CurrentSettings",
    "SettingsChange",
    "SettingsRefused",
    "as_dict",
    "change",
    "restore",
    "show",
    "take_from",
]
