"""What a file says of itself: who made it and when, what its figures tie out to, and the words that must stand beside them."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from compliance.decisions import Attribution
from config.dates import utc_text
from execution.executor.store import FinishedExecution


@dataclass(frozen=True, slots=True)
class Reader:
    """Who makes an export, and by which request. Names stay out of files; the hash finds the user again for who has the rows."""

    user_id: int
    request_id: str
    at: datetime

    @property
    def user_hash(self) -> str:
        return hashlib.sha256(str(self.user_id).encode()).hexdigest()[:8]

    @property
    def exported_at(self) -> str:
        return utc_text(self.at)

    def watermark(self, text: str, how: str = "Exported") -> str:
        return (
            f"{text} | {how}: {self.exported_at} | User: {self.user_hash} | Request: {self.request_id[:8] or 'command'}"
        )


@dataclass(frozen=True, slots=True)
class Manifest:
    """result_hash: of what is in the file; where something is left out it is not that of the whole, which could confirm a guess.
    with_pack_hashes: not where something is left out, for the same reason."""

    format: str
    reader: Reader
    execution: FinishedExecution
    portfolio: str
    title: str
    panel: str
    rights_version: int
    use: str
    left_out: tuple[str, ...]
    attributions: tuple[Attribution, ...]
    watermarks: tuple[str, ...]
    result_hash: str
    with_pack_hashes: bool = True

    def as_dict(self) -> dict[str, Any]:
        of = self.execution
        return {
            "format": self.format,
            "title": self.title,
            "portfolio": self.portfolio or None,
            "panel": self.panel or None,
            "exported_at": self.reader.exported_at,
            "exported_by": self.reader.user_hash,
            "request": self.reader.request_id[:8],
            "execution_id": of.id,
            "pattern_id": of.pattern_id,
            "pattern_version": of.pattern_version,
            "asof_date": of.asof_date,
            "policy": of.policy,
            "pricing_pack_id": of.pack_id,
            "pack_content_hash": of.pack_content_hash if self.with_pack_hashes else None,
            "pack_chain_hash": of.pack_chain_hash if self.with_pack_hashes else None,
            "ledger_commit_hash": of.ledger_commit_hash or None,
            "engine_version": of.engine_version,
            "provisional": of.provisional,
            "result_hash": self.result_hash,
            "sources": {
                output: list(codes) for output, codes in sorted(of.sources.items()) if output not in self.left_out
            },
            "rights": {"version": self.rights_version, "use": self.use, "left_out": list(self.left_out)},
            "attributions": [{"text": each.text, "link": each.link} for each in self.attributions],
            "watermarks": [self.reader.watermark(text) for text in self.watermarks],
        }

    def lines(self) -> Iterator[str]:
        """The same in words, a fact a line."""
        of, facts = self.execution, self.as_dict()
        yield f"Portfolio: {self.portfolio or 'none'}"
        yield f"Pattern: {self.title}, {facts['pattern_id']} {facts['pattern_version']} as of {facts['asof_date']}"
        yield f"Exported: {facts['exported_at']} by user {facts['exported_by']}, request {facts['request'] or 'command'}"
        hashes = f", content {of.pack_content_hash}, chain {of.pack_chain_hash}" if self.with_pack_hashes else ""
        yield f"Pricing pack: {facts['pricing_pack_id']}{hashes}"
        yield f"Ledger commit: {facts['ledger_commit_hash'] or 'none'}"
        yield f"Engine: {facts['engine_version']}"
        yield f"Execution: {facts['execution_id']}, result {facts['result_hash']}"
        if facts["provisional"]:
            yield "Provisional: something that this rests on was not ready or did not answer when it was computed"
        yield f"Rights: version {facts['rights']['version']}, {facts['rights']['use']}"
        if self.left_out:
            yield f"Left out, as providers do not allow this use: {', '.join(self.left_out)}"
        yield from (f"Source: {_words(each)}" for each in self.attributions)
        yield from facts["watermarks"]


def _words(attribution: Attribution) -> str:
    return f"{attribution.text} <{attribution.link}>" if attribution.link else attribution.text


def without(result: Mapping[str, Any], left_out: Iterable[str]) -> dict[str, Any]:
    """The result as answers have it where a right is denied: the output is named, and its value is not there."""
    absent = set(left_out)
    return {
        name: {"value": None, "status": "unavailable", "reason": "right-denied"} if name in absent else output
        for name, output in result.items()
    }
