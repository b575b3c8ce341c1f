"""Market data folders, with the rights that they state."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from django.db import transaction

from compliance import registry
from compliance.terms import Outcome, SourceTerms, Use
from pricing.archive import loading
from pricing.providers import fetching, fred
from pricing.providers.conversation import Fetched

OUTCOME_OF_WORD: Final = {
    "yes": Outcome.ATTRIBUTE,
    "no": Outcome.DENY,
    "ask": Outcome.LICENCE_REQUIRED,
    "": Outcome.DENY,
}
COLUMN_OF_USE: Final = {
    Use.DISPLAY: "display",
    Use.CSV: "export_csv",
    Use.JSON: "export_csv",
    Use.XLSX: "export_csv",
    Use.PDF: "export_pdf",
    Use.REDISTRIBUTE: "redistribute",
}
"""Of sources.csv; a file of figures is one whatever its form. It has no word on language models, and so they get nothing."""

FREE_TAGS: Final = {
    "public domain: citation requested": frozenset(Use),
    "copyrighted: citation required": frozenset({Use.DISPLAY, Use.CSV, Use.JSON, Use.XLSX, Use.PDF}),
}
"""FRED's copyright tags that ask for no approval → what they leave free, with the source named. Of its terms on language models
nothing is verified, so only the public domain is given to them. Any other tag is as FRED's own row: an approval comes first."""


@transaction.atomic
def load_market_data(folder: str) -> dict[str, Any]:
    """Load a folder, and enter the rights of sources that are not known yet. A right that is not stated is denied.

    returns  how many rows of each kind were loaded, the last date, the digest of the folder, and under `rights` the sources that
             were entered and where the folder says otherwise than what decides here, which stays
    raises   archive.ArchiveRefused with every finding; nothing was loaded then
    """
    loaded = loading.load(folder)
    reading = loaded.reading
    stated = {each.source: _terms(each.columns, each.source, each.attribution) for each in reading.sources}
    rights = registry.enter_sources(stated, reason="sources.csv of a market data folder")
    return {
        "securities": len(reading.securities),
        "closes": len(reading.closes.date),
        "rates": len(reading.rates.date),
        "observations": len(reading.observations.date),
        "actions": len(reading.actions),
        "sources": len(reading.sources),
        "archive_end": reading.archive_end.isoformat(),
        "digest": reading.digest,
        "rights": {
            "entered": list(rights.entered),
            "differing": [asdict(change) for change in rights.differing if change.field in set(COLUMN_OF_USE)],
        },
    }


def fetch_market_data(**question: Any) -> Fetched:
    """`fetching.fetch`, and the rights of FRED's series that are new here, by their copyright tags. Raises what it raises."""
    outcome = fetching.fetch(**question)
    if not outcome.copyrights:
        return outcome
    parent = registry.read()[fred.PROVIDER.code]
    free = {
        f"{fred.PROVIDER.code}/{series}": SourceTerms(
            name=f"{series} via FRED",
            uses={use: Outcome.ATTRIBUTE if use in FREE_TAGS[tag] else parent.uses[use] for use in Use},
            attribution=parent.attribution,
            link=f"https://fred.stlouisfed.org/series/{series}",
            terms=tag,
        )
        for series, tag in outcome.copyrights.items()
        if tag in FREE_TAGS
    }
    if free:
        registry.enter_sources(free, reason="copyright tags of FRED")
    return outcome


def _terms(columns: Mapping[str, str], source: str, attribution: str) -> SourceTerms:
    uses = {use: OUTCOME_OF_WORD[columns.get(COLUMN_OF_USE.get(use, ""), "")] for use in Use}
    return SourceTerms(
        name=columns.get("name") or source,
        uses=uses,
        attribution=attribution,
        terms=columns.get("terms_as_stated") or columns.get("terms") or "",
    )
