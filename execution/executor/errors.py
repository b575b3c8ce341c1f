"""What a request can be refused for, before any step runs."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from config.errors import TieoutError


class RequestInvalid(TieoutError):
    """findings: each {pointer, reason}; all of them at once. possible: first and last as-of date, where the date is wrong."""

    def __init__(self, findings: Sequence[Mapping[str, str]], possible: tuple[date, date] | None = None) -> None:
        super().__init__("; ".join(f"{finding['pointer']}: {finding['reason']}" for finding in findings))
        self.findings, self.possible = tuple(findings), possible


class PatternNotFound(TieoutError):
    def __init__(self, pattern_id: str, near: Sequence[str]) -> None:
        super().__init__(f"there is no pattern {pattern_id!r}" + (f"; near: {', '.join(near)}" if near else ""))
        self.pattern_id, self.near = pattern_id, tuple(near)


class PortfolioNotFound(TieoutError):
    """Unknown, or not yours: the answer is the same."""

    def __init__(self) -> None:
        super().__init__("there is no such portfolio")


class ExecutionNotFound(TieoutError):
    def __init__(self) -> None:
        super().__init__("there is no such execution")


class CommitNotFound(TieoutError):
    def __init__(self, commit: str) -> None:
        super().__init__(f"the ledger has no commit {commit}")
        self.commit = commit


class NotAllowed(TieoutError):
    def __init__(self, what: str) -> None:
        super().__init__(what)


class LedgerNotReconciled(TieoutError):
    """No revision of the portfolio's ledger has been reconciled yet."""

    def __init__(self, what: str = "the ledger of this portfolio has not been reconciled yet") -> None:
        super().__init__(what)


class NothingBooked(LedgerNotReconciled):
    """The portfolio has no ledger yet: a state of its pages, with what to do about it."""

    def __init__(self) -> None:
        super().__init__("nothing is booked in this portfolio yet")


class ReconciliationFailed(TieoutError):
    """The books differ. `breaks` names those of portfolios that the caller may see, of others nothing."""

    def __init__(self, pack_id: str, breaks: Sequence[Mapping[str, Any]]) -> None:
        super().__init__(f"ledger and database differ at {pack_id}")
        self.pack_id, self.breaks = pack_id, tuple(breaks)


class PackNotOfDate(RequestInvalid):
    def __init__(self, pack_id: str, asof_date: date) -> None:
        super().__init__(
            [{"pointer": "/pricing_pack_id", "reason": f"{pack_id} is not the pack of {asof_date.isoformat()}"}]
        )


class IdempotencyConflict(TieoutError):
    def __init__(self, first_at: str) -> None:
        super().__init__(f"this idempotency key was used with another body at {first_at}")
        self.first_at = first_at


class AnsweredBefore(TieoutError):
    """A retried request whose first try failed: `answer` is what that was answered with."""

    def __init__(self, answer: Mapping[str, Any]) -> None:
        super().__init__(answer["detail"])
        self.answer = dict(answer)


class NotReproduced(TieoutError):
    """A replay under the same engine gave other bytes; path is the first place where they differ."""

    def __init__(self, execution_id: UUID, path: str) -> None:
        super().__init__(f"execution {execution_id} is not reproduced: first difference at {path}")
        self.execution_id, self.path = execution_id, path


class DifferentEngine(TieoutError):
    """A replay under another engine; path is the first place where the results differ, None where they do not."""

    def __init__(self, stored: str, current: str, path: str | None) -> None:
        super().__init__(
            f"computed by engine {stored}, this is {current}"
            + (f"; first difference at {path}" if path else "; same result")
        )
        self.stored, self.current, self.path = stored, current, path
