"""Market data folders, with the rights that they state."""

from typing import Any, Final

from django.db import transaction

from compliance import rights
from pricing.archive import loading

RIGHTS_COLUMNS: Final = ("display", "export_csv", "export_pdf", "redistribute")


@transaction.atomic
def load_market_data(folder: str) -> dict[str, Any]:
    """Load a folder, and the rights that its sources.csv states. A right that is not stated is `no`.

    returns  how many rows of each kind were loaded, the last date, and the digest of the folder
    raises   archive.ArchiveRefused with every finding; nothing was loaded then
    """
    loaded = loading.load(folder)
    reading = loaded.reading
    rights.record(
        {
            "code": terms.source,
            "name": terms.columns.get("name") or terms.source,
            "attribution": terms.attribution,
            "terms": terms.columns.get("terms_as_stated") or terms.columns.get("terms") or "",
            **{name: terms.columns.get(name) or "no" for name in RIGHTS_COLUMNS},
        }
        for terms in reading.sources
    )
    return {
        "securities": len(reading.securities),
        "closes": len(reading.closes.date),
        "rates": len(reading.rates.date),
        "observations": len(reading.observations.date),
        "actions": len(reading.actions),
        "sources": len(reading.sources),
        "archive_end": reading.archive_end.isoformat(),
        "digest": reading.digest,
    }
