"""Calls to providers while a pattern runs: asked of the rights before they are made, recorded, and read again by a replay."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction

from agents.contract import HANDED_ON
from agents.registry import Capability
from agents.result import Result
from compliance import decision_record, rights
from compliance.refusal import RightDenied, find_refusals
from compliance.rights import OutputDecisions
from compliance.terms import Use
from config import dates
from execution import canonical


class ProviderCalls:
    """Those of one run. `answers`: of each step that called, what is stored with the execution; a replay is given them."""

    def __init__(self, answers: Mapping[str, Any] | None = None) -> None:
        self.answers: dict[str, Any] = dict(answers or {})
        self._decisions: list[OutputDecisions] = []

    def permit(self, capability: Capability, sources: Sequence[str]) -> None:
        """Ask whether a provider's answer may be shown, and whether a language model may have what the arguments rest on.

        Raises RightDenied.
        """
        uses = [(capability.provider, Use.DISPLAY)]
        if capability.reads_as_model:
            uses += [(source, Use.AGENT) for source in sources]
        decided = [
            rights.decide_outputs({source: (source,) for source, each in uses if each is use}, use)
            for use in (Use.DISPLAY, Use.AGENT)
        ]
        self._decisions += [each for each in decided if each.outputs]
        if refusals := find_refusals(*decided):
            raise RightDenied(refusals[0].use, refusals)

    def answer(self, step: str) -> Result[Any] | None:
        """The recorded answer of a step, None where there is none."""
        if step not in self.answers:
            return None
        record = self.answers[step]
        return Result(
            record["data"],
            sources=tuple(record["sources"]),
            asof=dates.parse(record["asof"]),
            ttl=record["ttl"],
            warnings=tuple(record["warnings"]),
        )

    def record(self, step: str, provider: str, result: Result[Any]) -> Result[Any]:
        """Keep an answer, and give it back as a replay reads it: as JSON has it.

        provider  that was called, on which it rests, too; empty where it answered without
        """
        self.answers[step] = {
            "data": canonical.render(result.data),
            "beside": _handed_on(result.data),
            "sources": sorted({*result.sources, provider} - {""}),
            "asof": result.asof.isoformat(),
            "ttl": result.ttl,
            "warnings": list(result.warnings),
        }
        recorded = self.answer(step)
        assert recorded is not None
        return dataclasses.replace(recorded, is_final=result.is_final)

    def put_on_record(self, execution_id: UUID | None) -> None:
        """Write down what was decided. Not inside the snapshot that the steps run on, which is read-only."""
        if not self._decisions:
            return
        with transaction.atomic():
            for each in self._decisions:
                decision_record.record(each, execution_id=execution_id)


def _handed_on(data: Any) -> dict[str, Any]:
    """What an answer does not show, and the record keeps: such as a model's text as it wrote it."""
    fields = dataclasses.fields(data) if dataclasses.is_dataclass(data) else ()
    return {
        each.name: canonical.render(getattr(data, each.name))
        for each in fields
        if each.metadata.items() >= HANDED_ON.items()
    }
