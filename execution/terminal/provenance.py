"""What a result ties out to, and what is withheld from it."""

from collections.abc import Mapping
from typing import Any

from rich.table import Table

from config.plain_text import printable
from execution.executor import Served
from execution.figures import DASH
from execution.terminal.section import bare_table


def provenance(served: Served) -> Table:
    """Pack, ledger commit, pattern, engine and hashes, by label."""
    metadata = served.metadata
    table = bare_table()
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    origin = (
        f"from the store, computed {metadata['computed_at']}"
        if metadata["cached"]
        else f"computed now in {metadata['duration_ms']:.0f} ms"
    )
    for label, value in (
        ("pricing pack", f"{metadata['pricing_pack_id']} (policy {metadata['policy']})"),
        ("content hash", metadata["pack_content_hash"]),
        ("chain hash", metadata["pack_chain_hash"]),
        ("ledger commit", metadata["ledger_commit_hash"] or DASH),
        ("pattern", f"{metadata['pattern_id']} {metadata['pattern_version']}"),
        ("engine", metadata["engine_version"]),
        ("result hash", metadata["result_hash"]),
        ("execution", str(served.execution_id)),
        ("", origin),
        *(("basis", caption) for caption in _captions(served.result)),
        *(("data", attribution) for attribution in metadata["attributions"]),
    ):
        table.add_row(label, printable(value))
    return table


def _captions(result: Mapping[str, Any]) -> list[str]:
    """What the figures are based on, each caption once."""
    captions = [
        output["basis_caption"]
        for output in result.values()
        if isinstance(output, Mapping) and output.get("basis_caption")
    ]
    return list(dict.fromkeys(captions))


def withheld_warnings(metadata: Mapping[str, Any]) -> list[str]:
    return [
        f"{output} is withheld: the terms of {', '.join(codes)} do not allow to show it"
        for output, codes in metadata["rights"]["withheld"].items()
    ]
