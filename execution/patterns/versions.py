"""Published versions of patterns, as rows and as parsed documents."""

import json
from collections.abc import Sequence
from functools import lru_cache

from django.db.models import F

from agents import registry
from config.errors import TieoutError
from execution.models import Pattern, PatternVersion
from execution.patterns import document
from execution.patterns.document import ParsedPattern


class PatternNotFound(TieoutError):
    def __init__(self, pattern_id: str, near: Sequence[str]) -> None:
        super().__init__(f"there is no pattern {pattern_id!r}" + (f"; near: {', '.join(near)}" if near else ""))
        self.pattern_id, self.near = pattern_id, tuple(near)


def current_version(pattern_id: str) -> PatternVersion:
    """The version of a pattern that is served. Raises PatternNotFound with up to three near names."""
    version = PatternVersion.objects.filter(pattern=pattern_id, pattern__current=F("pk")).first()
    if version is None:
        published = Pattern.objects.filter(current__isnull=False).values_list("id", flat=True)
        raise PatternNotFound(pattern_id, registry.near(pattern_id, published))
    return version


def parse_version(version: PatternVersion) -> ParsedPattern:
    """The document of a version as a pattern. Parsed documents are cached by their text."""
    return _parse_text(json.dumps(version.document))


@lru_cache(maxsize=64)
def _parse_text(text: str) -> ParsedPattern:
    return document.parse(json.loads(text))
