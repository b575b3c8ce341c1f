"""A problem document (RFC 9457). Nothing internal is in one: no stack, SQL, path, nor whether somebody else's data exist."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

CONTENT_TYPE: Final = "application/problem+json"

TITLES: Final[Mapping[str, str]] = {
    "invalid-request": "The request is not valid",
    "too-large": "The request is too large",
    "unauthenticated": "No or bad credentials",
    "forbidden": "Not allowed",
    "right-denied": "A provider does not allow this use of its data",
    "pattern-not-found": "There is no such pattern",
    "pattern-version-not-found": "The pattern has no such version",
    "pattern-retired": "The pattern answers no more",
    "pattern-unusable": "This version of the pattern can't be run any more",
    "access-not-found": "There is no such access",
    "portfolio-not-found": "There is no such portfolio",
    "execution-not-found": "There is no such execution",
    "export-not-found": "There is no such export",
    "commit-not-found": "There is no such ledger commit",
    "import-not-found": "There is no such import",
    "pack-not-found": "There is no such pricing pack",
    "security-not-found": "The portfolio does not hold this security",
    "path-not-found": "The execution has no such path",
    "not-explained": "This figure can't be explained yet",
    "not-found": "There is nothing here",
    "method-not-allowed": "This method is not allowed here",
    "not-acceptable": "The answer has no such form",
    "unsupported-media-type": "Send application/json",
    "export-not-ready": "The export is not written yet",
    "export-gone": "The export has no file any more",
    "idempotency-conflict": "The idempotency key was used for another request",
    "different-engine": "Another engine computed this",
    "execution-dropped": "The answer is not stored any more",
    "quota-reached": "No room for another answer",
    "throttled": "Too many requests",
    "too-much-to-read": "The portfolio is greater than a step may read",
    "reconciliation-failed": "Ledger and database do not agree",
    "step-failed": "A step failed",
    "pack-corrupt": "The pricing pack has changed since it was sealed",
    "execution-altered": "The stored answer was changed",
    "pattern-altered": "The published pattern was changed",
    "pack-warming": "The pricing pack is not ready yet",
    "pack-error": "The pricing pack is in error",
    "missing-price": "A price is missing",
    "missing-rate": "An exchange rate is missing",
    "capability-unavailable": "An agent is not called for a while after failures",
    "export-failed": "The export could not be written",
    "unavailable": "A part of the service does not answer",
    "internal": "Something went wrong",
}
"""Problem type -> title."""


@dataclass(frozen=True, slots=True)
class Problem:
    """An RFC 9457 document before it has a request id."""

    status: int
    type: str
    detail: str
    extra: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        return TITLES[self.type]

    def document(self, request_id: str) -> dict[str, Any]:
        return {
            "type": self.type,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            **self.extra,
            "request_id": request_id,
        }


UNREADABLE: Final = "the request can't be read"
INTERNAL: Final = Problem(500, "internal", "the request id finds it in the log")
"""The answer to a failure that nobody expected, or that only we can do something about."""
