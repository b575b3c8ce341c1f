"""The door that every value passes on its way out: what the rights of now say to a use of the sources that it rests on."""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Self

from django.conf import settings
from django.db import connection
from django.utils import timezone

from compliance import metering
from compliance.decisions import Attribution, Decision, SourceDecision, decide
from compliance.terms import Outcome, RightsTable, Use, source_of_series


@dataclass(frozen=True, slots=True)
class OutputDecisions:
    """What of an answer may be used so, and the words that go with it.

    version  of the rights that decided; 0 before any was published
    day      on which a licence had to be valid
    outputs  the decision on each output
    """

    version: int
    use: Use
    day: date
    outputs: Mapping[str, Decision]

    @property
    def sources(self) -> tuple[SourceDecision, ...]:
        """What each source said, in the order of their codes."""
        by_source = {each.source: each for decision in self.outputs.values() for each in decision.sources}
        return tuple(by_source[source] for source in sorted(by_source))

    @property
    def outcome(self) -> Outcome:
        """The strictest of all."""
        return max((each.outcome for each in self.sources), key=lambda each: each.strictness, default=Outcome.ALLOW)

    @property
    def withheld(self) -> dict[str, tuple[str, ...]]:
        """Output -> the sources that keep it back."""
        return {
            output: tuple(each.source for each in decision.refusing)
            for output, decision in self.outputs.items()
            if not decision.lets_through
        }

    @property
    def attributions(self) -> tuple[Attribution, ...]:
        """Of what may be used, once each."""
        attributions = {each for decision in self._passing_decisions() for each in decision.attributions}
        return tuple(sorted(attributions, key=lambda each: (each.text, each.link)))

    @property
    def watermarks(self) -> tuple[str, ...]:
        return tuple(sorted({text for decision in self._passing_decisions() for text in decision.watermarks}))

    def without(self, outputs: Collection[str]) -> Self:
        return replace(self, outputs={name: each for name, each in self.outputs.items() if name not in outputs})

    def _passing_decisions(self) -> list[Decision]:
        return [decision for decision in self.outputs.values() if decision.lets_through]


def decide_outputs(sources_of_output: Mapping[str, Iterable[str]], use: Use = Use.DISPLAY) -> OutputDecisions:
    """Decide each output by its own sources, under the rights that are published now, and count what was decided."""
    sources = {output: tuple(codes) for output, codes in sources_of_output.items()}
    version, table = _read({code for codes in sources.values() for code in codes})
    today = timezone.now().date()
    decisions = OutputDecisions(
        version,
        use,
        today,
        {
            output: decide(table, codes, use, at=today, environment=settings.RIGHTS_ENVIRONMENT)
            for output, codes in sources.items()
        },
    )
    for each in decisions.sources:
        metering.count(_provider(table, each.source), use, each.outcome)
    return decisions


def _provider(table: RightsTable, source: str) -> str:
    """Who gives a source, of those that are registered: their number is bounded, that of texts in rows is not."""
    return "unknown" if table.terms_of(source) is None else source_of_series(source)


def _read(sources: Iterable[str]) -> tuple[int, RightsTable]:
    """The version of now, with the terms of these sources alone and all licences: one statement, as every answer asks it."""
    codes = sorted({code for source in sources for code in (source, source_of_series(source))})
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT id, "table" -> 'licences',
                   (SELECT jsonb_object_agg(code, "table" -> 'sources' -> code)
                    FROM unnest(%s::text[]) AS code WHERE "table" -> 'sources' ? code)
            FROM compliance_rightsversion WHERE published_at IS NOT NULL ORDER BY published_at DESC, id DESC LIMIT 1
            """,
            [codes],
        )
        row: tuple[int, Any, Any] | None = cursor.fetchone()
    if row is None:
        return 0, RightsTable({})
    version, licences, terms = row
    return version, RightsTable.from_dict({"sources": _parsed(terms) or {}, "licences": _parsed(licences)})


def _parsed(value: Any) -> Any:
    """Django's sessions give jsonb as text."""
    return json.loads(value) if isinstance(value, str) else value
