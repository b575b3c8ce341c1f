"""What rights keep back of an export, and what can leave safely without it."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from compliance import decision_record, rights
from compliance.refusal import Refusal, find_refusals
from compliance.rights import OutputDecisions
from compliance.terms import Use
from execution.patterns import panel_values


@dataclass(frozen=True, slots=True)
class ExportDecision:
    """What the rights of the moment say to a use, and to display: what may not be shown may not leave in a file either."""

    use: Use
    own: OutputDecisions
    display: OutputDecisions

    @property
    def version(self) -> int:
        return self.own.version

    @property
    def refused_outputs(self) -> frozenset[str]:
        return frozenset(self.own.withheld) | frozenset(self.display.withheld)

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        return find_refusals(self.own, self.display)

    def record(self, execution_id: UUID, *, without: Collection[str] = ()) -> None:
        """Put it on record, but for outputs that are left out and so are not taken."""
        for decisions in (self.own, self.display):
            decision_record.record(decisions.without(without), execution_id=execution_id)

    def as_dict(self) -> dict[str, Any]:
        """For the record: what each output's sources said to the use."""
        return {
            "use": self.use.value,
            "outputs": {
                output: {
                    "outcome": decision.outcome.value,
                    "sources": {each.source: each.outcome.value for each in decision.sources},
                }
                for output, decision in self.own.outputs.items()
            },
            "refusals": [each.as_dict() for each in self.refusals],
        }


def decide(sources: Mapping[str, Iterable[str]], use: Use) -> ExportDecision:
    codes = {output: tuple(each) for output, each in sources.items()}
    return ExportDecision(use, rights.decide_outputs(codes, use), rights.decide_outputs(codes))


def find_unsafe(
    result: Mapping[str, Any], refused_outputs: Collection[str], *, securities: Collection[int], names: Collection[str]
) -> frozenset[str]:
    """The outputs to leave out: those that rest on a refusing source, and those with a row about a security that it prices.

    Sources are the whole lineage of an output, so every total, weight and return of a refused row is refused by itself.

    names  symbols and names of those securities: wherever one stands, as a key, too, the row is about it
    """
    about = (
        output
        for output, value in result.items()
        if output not in refused_outputs and _is_about(value, securities, names)
    )
    return frozenset(refused_outputs) | frozenset(about)


def _is_about(value: Any, securities: Collection[int], names: Collection[str]) -> bool:
    if isinstance(value, str):
        return value in names
    if isinstance(value, Mapping):
        return (
            value.get("security_id") in securities
            or any(key in names for key in value)
            or any(_is_about(each, securities, names) for each in value.values())
        )
    return isinstance(value, list) and any(_is_about(each, securities, names) for each in value)


def safe_panels(document: Mapping[str, Any], unsafe: Collection[str]) -> tuple[str, ...]:
    """The panels that read nothing unsafe, in their order."""
    return tuple(panel["id"] for panel in document["panels"] if not panel_values.outputs_of(panel) & set(unsafe))
