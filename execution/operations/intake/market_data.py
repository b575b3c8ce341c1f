"""Market data folders, with the rights that they state."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from django.db import transaction

from compliance import registry
from compliance.terms import Outcome, SourceTerms, Use
from pricing.archive import loading

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


def _terms(columns: Mapping[str, str], source: str, attribution: str) -> SourceTerms:
    uses = {use: OUTCOME_OF_WORD[columns.get(COLUMN_OF_USE.get(use, ""), "")] for use in Use}
    return SourceTerms(
        name=columns.get("name") or source,
        uses=uses,
        attribution=attribution,
        terms=columns.get("terms_as_stated") or columns.get("terms") or "",
    )
