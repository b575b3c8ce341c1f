"""What sources allow, as one table of values: pure, so that any decision of the past can be derived again from its version."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final, Self

from config import dates


class Use(StrEnum):
    """What may be done with a source's data."""

    DISPLAY = "display"
    CSV = "csv"
    JSON = "json"
    XLSX = "xlsx"
    PDF = "pdf"
    REDISTRIBUTE = "redistribute"
    AGENT = "agent"  # given to a language model


class Outcome(StrEnum):
    """What a source says to a use, from the loosest to the strictest."""

    ALLOW = "allow"
    ATTRIBUTE = "attribute"
    WATERMARK = "watermark"
    LICENCE_REQUIRED = "licence-required"
    DENY = "deny"

    @property
    def strictness(self) -> int:
        return _STRICTNESS[self]

    @property
    def lets_through(self) -> bool:
        return self not in _REFUSING


_REFUSING: Final = frozenset({Outcome.LICENCE_REQUIRED, Outcome.DENY})
_STRICTNESS: Final = {outcome: rank for rank, outcome in enumerate(Outcome)}


class Placement(StrEnum):
    """Where a source wants its attribution."""

    FOOTER = "footer"
    INLINE = "inline"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class SourceTerms:
    """What one source allows, and the words that must stand beside its figures.

    uses         an outcome for each use
    attribution  the text; may be empty only where no use asks for it
    link         an address that belongs to the attribution, or empty
    watermark    the text; may be empty only where no use asks for it
    """

    name: str
    uses: Mapping[Use, Outcome]
    attribution: str
    placement: Placement = Placement.FOOTER
    link: str = ""
    watermark: str = ""
    terms: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "uses": {use.value: self.uses[use].value for use in Use},
            "attribution": self.attribution,
            "placement": self.placement.value,
            "link": self.link,
            "watermark": self.watermark,
            "terms": self.terms,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Raises KeyError and ValueError where `values` is not what `as_dict` gives."""
        return cls(
            name=values["name"],
            uses={use: Outcome(values["uses"][use.value]) for use in Use},
            attribution=values["attribution"],
            placement=Placement(values["placement"]),
            link=values["link"],
            watermark=values["watermark"],
            terms=values["terms"],
        )


@dataclass(frozen=True, slots=True)
class LicenceTerms:
    """A licence that the installation holds.

    source       the code of the source; it is good for each of its series, too
    environment  the only environment that it is good for, or empty
    valid_to     the last day, or None
    """

    id: int
    source: str
    tier: str
    uses: frozenset[Use]
    valid_from: date
    valid_to: date | None
    document: str
    environment: str = ""

    def is_valid(self, use: Use, *, at: date, environment: str) -> bool:
        return (
            use in self.uses
            and self.environment in ("", environment)
            and self.valid_from <= at
            and (self.valid_to is None or at <= self.valid_to)
        )

    def as_dict(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "source": self.source,
            "tier": self.tier,
            "uses": sorted(self.uses),
            "valid_from": self.valid_from.isoformat(),
            "valid_to": self.valid_to.isoformat() if self.valid_to else None,
            "document": self.document,
            "environment": self.environment,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Raises KeyError and ValueError where `values` is not what `as_dict` gives."""
        return cls(
            id=values["id"],
            source=values["source"],
            tier=values["tier"],
            uses=frozenset(Use(use) for use in values["uses"]),
            valid_from=dates.parse(values["valid_from"]),
            valid_to=dates.parse(values["valid_to"]) if values["valid_to"] else None,
            document=values["document"],
            environment=values["environment"],
        )


@dataclass(frozen=True, slots=True)
class RightsTable:
    """All terms and licences of one moment. `sources` is by code, a series of its own by `code/series`."""

    sources: Mapping[str, SourceTerms]
    licences: tuple[LicenceTerms, ...] = ()

    def terms_of(self, source: str) -> SourceTerms | None:
        """The terms of a series where it has some of its own, else those of its source; None where neither is known."""
        return self.sources.get(self.row_of(source))

    def licences_by_source(self) -> dict[str, list[LicenceTerms]]:
        by_source: dict[str, list[LicenceTerms]] = {}
        for each in self.licences:
            by_source.setdefault(each.source, []).append(each)
        return by_source

    def row_of(self, source: str) -> str:
        """The code of the row that speaks for a source: its own, else its host's; itself where neither is there."""
        if source in self.sources:
            return source
        host = source_of_series(source)
        return host if host in self.sources else source

    def as_dict(self) -> dict[str, Any]:
        return {
            "sources": {code: self.sources[code].as_dict() for code in sorted(self.sources)},
            "licences": [each.as_dict() for each in sorted(self.licences, key=lambda licence: licence.id)],
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Raises KeyError and ValueError where `values` is not what `as_dict` gives."""
        return cls(
            {code: SourceTerms.from_dict(terms) for code, terms in values["sources"].items()},
            tuple(LicenceTerms.from_dict(each) for each in values["licences"]),
        )


def digest(table: Mapping[str, Any]) -> str:
    """SHA-256 of a table as `as_dict` gives it, in hexadecimal digits."""
    return hashlib.sha256(json.dumps(table, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def source_of_series(source: str) -> str:
    """`fred` of `fred/BAA10Y`; a code without a series is itself."""
    return source.partition("/")[0]
