"""The fields of the API's forms: each value has one spelling, in a query string as in a JSON body.

REST framework's own fields take more: a number for a text, `yes` for true, a date without hyphens, a UUID in braces.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from django.core.validators import RegexValidator
from rest_framework import serializers

from config import dates

NO_WORDS: Final[Mapping[str, str]] = MappingProxyType({})
NO_COMMIT: Final = "must be 40 hexadecimal digits"
IS_COMMIT: Final = RegexValidator(r"^[0-9a-f]{40}\Z", NO_COMMIT)
UUID_LENGTH: Final = 36
DIGITS: Final = re.compile(r"[0-9]{1,16}")
BOOLEANS: Final[Mapping[Any, bool]] = MappingProxyType({"true": True, "false": False})


class Text(serializers.CharField):
    """A text, to the character. `reason`: the words for whatever is none, or is too long or empty."""

    def __init__(self, *, reason: str = "", error_messages: Mapping[str, str] = NO_WORDS, **how: Any) -> None:
        words = dict.fromkeys(("invalid", "blank", "max_length"), reason) if reason else {}
        super().__init__(trim_whitespace=False, error_messages={**words, **error_messages}, **how)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return data


class UuidText(serializers.UUIDField):
    default_error_messages = {"invalid": "must be a UUID"}

    def to_internal_value(self, data: Any) -> UUID:
        try:
            if not isinstance(data, str) or len(data) != UUID_LENGTH:
                raise ValueError
            return UUID(data)
        except ValueError:
            self.fail("invalid")


class IsoDate(serializers.DateField):
    default_error_messages = {"invalid": "must be a date as YYYY-MM-DD"}

    def to_internal_value(self, data: Any) -> date:
        try:
            return dates.parse(data)
        except (TypeError, ValueError):
            self.fail("invalid")


class IsoInstant(serializers.DateTimeField):
    default_error_messages = {"invalid": "must be an instant with its zone, as 2027-01-31T18:00:00Z"}

    def to_internal_value(self, data: Any) -> datetime:
        try:
            return dates.parse_instant(data)
        except (TypeError, ValueError, OverflowError):
            self.fail("invalid")


class JsonBoolean(serializers.BooleanField):
    default_error_messages = dict.fromkeys(("invalid", "null"), "must be true or false")

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid")
        return data


class QueryBoolean(serializers.BooleanField):
    default_error_messages = dict.fromkeys(("invalid", "null"), "must be true or false")

    def run_validation(self, data: Any = serializers.empty) -> Any:
        if data == "":
            self.fail("invalid")  # which would be null
        return super().run_validation(data)

    def to_internal_value(self, data: Any) -> bool:
        if data not in BOOLEANS:
            self.fail("invalid")
        return BOOLEANS[data]


class JsonInteger(serializers.IntegerField):
    def to_internal_value(self, data: Any) -> int:
        if type(data) is not int:  # nor a boolean
            self.fail("invalid")
        return data


class QueryInteger(serializers.IntegerField):
    """Not negative: digits, and nothing else."""

    def to_internal_value(self, data: Any) -> int:
        if not DIGITS.fullmatch(data):
            self.fail("invalid")
        return int(data)
