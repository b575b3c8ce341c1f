"""A use that sources refuse: who, why, and which licence would allow it."""

from dataclasses import dataclass

from compliance.rights import OutputDecisions
from compliance.terms import Outcome, Use
from config.errors import TieoutError


@dataclass(frozen=True, slots=True)
class Refusal:
    """One source that does not allow a use. `licence` is the one that would allow it; empty where none would."""

    provider: str
    use: Use
    outcome: Outcome
    reason: str
    licence: str

    def as_dict(self) -> dict[str, str | None]:
        return {
            "provider": self.provider,
            "use": self.use.value,
            "outcome": self.outcome.value,
            "reason": self.reason,
            "licence": self.licence or None,
        }


class RightDenied(TieoutError):
    """The sources do not allow a use. `safe_outputs` and `safe_panels` could leave without the rest; empty where nothing
    could. left_out: what would be missing then.
    """

    def __init__(
        self,
        use: Use,
        refusals: tuple[Refusal, ...],
        safe_outputs: tuple[str, ...] = (),
        safe_panels: tuple[str, ...] = (),
        left_out: tuple[str, ...] = (),
    ) -> None:
        super().__init__("; ".join(each.reason for each in refusals))
        self.use, self.refusals = use, refusals
        self.safe_outputs, self.safe_panels, self.left_out = safe_outputs, safe_panels, left_out


def find_refusals(*decided: OutputDecisions) -> tuple[Refusal, ...]:
    """Once for each source and use that refuses, in their order."""
    refusals = {
        Refusal(
            each.source, decisions.use, each.outcome, each.reason, _licence(each.source, decisions.use, each.outcome)
        )
        for decisions in decided
        for each in decisions.sources
        if not each.outcome.lets_through
    }
    return tuple(sorted(refusals, key=lambda each: (each.provider, each.use)))


def _licence(source: str, use: Use, outcome: Outcome) -> str:
    return f"a licence of {source} for {use}" if outcome is Outcome.LICENCE_REQUIRED else ""
