"""What a caller asks the executor for, and how it is refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from config.errors import TieoutError


@dataclass(frozen=True, slots=True)
class Request:
    """A request for a result. Who makes it is not part of it.

    pattern_version   one that was published; without it the one that is served
    faults   fields that could not be parsed, each {pointer, reason}: they are reported together with all other errors
    """

    pattern_id: str
    inputs: Mapping[str, Any]
    portfolio_id: UUID | None = None
    asof_date: date | None = None
    require_fresh: bool = True
    ledger_commit: str | None = None
    pricing_pack_id: str | None = None
    pattern_version: str | None = None
    faults: tuple[Mapping[str, str], ...] = ()


class RequestInvalid(TieoutError):
    """A request can't be answered as it stands.

    findings   everything that is wrong with it, each {pointer, reason}
    possible   first and last as-of date, where the date is wrong
    """

    def __init__(self, findings: Sequence[Mapping[str, str]], possible: tuple[date, date] | None = None) -> None:
        super().__init__(
            "; ".join(": ".join(filter(None, (finding["pointer"], finding["reason"]))) for finding in findings)
        )
        self.findings, self.possible = tuple(findings), possible


class NotAllowed(TieoutError):
    """The caller may not do this."""

    def __init__(self, what: str) -> None:
        super().__init__(what)


class PortfolioNotFound(TieoutError):
    """The portfolio does not exist or is not the caller's: the answer is the same."""

    def __init__(self) -> None:
        super().__init__("there is no such portfolio")
