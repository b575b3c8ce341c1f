"""What an export is made of: a finished execution with what rights left of it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from config.errors import TieoutError
from execution.exports import panel_tables
from execution.exports.evidence import Evidence
from execution.exports.manifest import Manifest
from execution.exports.panel_tables import PanelTable
from execution.patterns import panel_values
from execution.patterns.templating import Scope

Report = Callable[[int, int], None]
"""Told how much of how much is done. It may raise ExportCancelled."""


class ExportCancelled(TieoutError):
    def __init__(self) -> None:
        super().__init__("the export was cancelled")


@dataclass(frozen=True, slots=True)
class ExportContent:
    """result_text is the result as the API answers it, byte for byte, with what is left out marked unavailable."""

    manifest: Manifest
    result_text: str
    document: Mapping[str, Any]
    portfolio_id: str
    base_currency: str
    evidence: Evidence | None = None
    """For forms that can be verified."""
    attaches_result: bool = False
    """Whether the result goes into the file as JSON, too."""

    def tables(self) -> list[PanelTable]:
        """Of the panels that are whole, in their order; of the one that was asked for alone, where one was."""
        manifest = self.manifest
        scope = Scope(
            inputs={},
            state=json.loads(self.result_text),
            ctx={
                "portfolio_id": self.portfolio_id,
                "asof_date": manifest.execution.asof_date,
                "pricing_pack_id": manifest.execution.pack_id,
                "base_currency": self.base_currency,
            },
        )
        return [
            table
            for panel in self.document["panels"]
            if manifest.panel in ("", panel["id"]) and not panel_values.outputs_of(panel) & set(manifest.left_out)
            for table in panel_tables.tabulate(panel, scope)
        ]
