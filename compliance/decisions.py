"""May these sources' data be used so? Pure: (table, sources, use, day, environment) -> outcome, with the reason of each source."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from compliance.terms import LicenceTerms, Outcome, Placement, RightsTable, SourceTerms, Use, source_of_series

Licences = Mapping[str, Sequence[LicenceTerms]]
"""By the code of their source."""


@dataclass(frozen=True, slots=True)
class SourceDecision:
    """What one source says, and why. `licence` is the id of the licence that lets it through, where it takes one."""

    source: str
    outcome: Outcome
    reason: str
    licence: int | None = None


@dataclass(frozen=True, slots=True)
class Attribution:
    """Words that must stand beside figures, and where."""

    text: str
    placement: Placement
    link: str


@dataclass(frozen=True, slots=True)
class Decision:
    """The strictest of what the sources say, with the reason of each, in the order of their codes."""

    use: Use
    outcome: Outcome
    sources: tuple[SourceDecision, ...]
    attributions: tuple[Attribution, ...]
    watermarks: tuple[str, ...]

    @property
    def lets_through(self) -> bool:
        return self.outcome.lets_through

    @property
    def refusing(self) -> tuple[SourceDecision, ...]:
        return tuple(each for each in self.sources if not each.outcome.lets_through)


def decide(table: RightsTable, sources: Iterable[str], use: Use, *, at: date, environment: str = "") -> Decision:
    """The strictest source wins, and one that the table does not know allows nothing; of no source at all, nobody says anything.

    A series without a row of its own is decided, and named, as its source.

    at           the day on which a licence must be valid
    environment  of the installation, for licences that are good for one environment only
    """
    decided = []
    attributions = set()
    watermarks = set()
    licences = table.licences_by_source()
    for source in sorted({table.row_of(source) for source in sources}):
        terms = table.sources.get(source)
        decision = _decide_source(licences, source, terms, use, at, environment)
        decided.append(decision)
        if terms is None or not decision.outcome.lets_through:
            continue
        if decision.outcome is not Outcome.ALLOW:
            attributions.add(Attribution(terms.attribution, terms.placement, terms.link))
        if decision.outcome is Outcome.WATERMARK:
            watermarks.add(terms.watermark)
    outcome = max((each.outcome for each in decided), key=lambda each: each.strictness, default=Outcome.ALLOW)
    return Decision(
        use,
        outcome,
        tuple(decided),
        tuple(sorted(attributions, key=lambda each: (each.text, each.link))),
        tuple(sorted(watermarks)),
    )


def _decide_source(
    licences: Licences, source: str, terms: SourceTerms | None, use: Use, at: date, environment: str
) -> SourceDecision:
    if terms is None:
        return SourceDecision(source, Outcome.DENY, f"{source} is not registered, and so nothing is allowed")
    outcome = terms.uses[use]
    if outcome is Outcome.DENY:
        return SourceDecision(source, outcome, f"{terms.name} does not allow {use}")
    if outcome is not Outcome.LICENCE_REQUIRED:
        return SourceDecision(source, outcome, f"{terms.name} allows {use}")
    licence = _find_licence(licences, source, use, at, environment)
    if licence is None:
        return SourceDecision(source, outcome, f"{terms.name} allows {use} with a licence, and none is valid")
    with_licence = Outcome.WATERMARK if terms.watermark else Outcome.ATTRIBUTE
    reason = f"{terms.name} allows {use} by the licence {licence.tier} ({licence.document})"
    return SourceDecision(source, with_licence, reason, licence.id)


def _find_licence(licences: Licences, source: str, use: Use, at: date, environment: str) -> LicenceTerms | None:
    """The valid licence with the lowest id, of the source or of its host: licences may overlap, and then each alone would do."""
    candidates = (*licences.get(source, ()), *licences.get(source_of_series(source), ()))
    valid = [each for each in candidates if each.is_valid(use, at=at, environment=environment)]
    return min(valid, key=lambda licence: licence.id, default=None)
