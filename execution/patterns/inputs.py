"""What a caller gave for a pattern, checked and made complete."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from config.errors import TieoutError
from config.strict_json import pointer_to
from execution.patterns.document import ParsedPattern, Violation
from execution.patterns.input_values import read_input

PERIOD = ("from_date", "to_date")
"""Inputs of these names are the first and the last day of a period."""


class InputsInvalid(TieoutError):
    """Inputs are unknown, missing or wrong. findings: all of them."""

    def __init__(self, findings: Sequence[Violation]) -> None:
        super().__init__("; ".join(f"{each.pointer}: {each.reason}" for each in findings))
        self.findings = tuple(findings)


def effective_inputs(pattern: ParsedPattern, own_inputs: Mapping[str, Any]) -> dict[str, Any]:
    """What the pattern runs with, in declared order: defaults filled in, dates and UUIDs as canonical strings.

    Every input is there; an optional one without a default is null. Raises InputsInvalid with every finding.
    """
    findings = [
        Violation(pointer_to("inputs", name), "unknown input") for name in own_inputs if name not in pattern.inputs
    ]
    effective: dict[str, Any] = {}
    for name, spec in pattern.inputs.items():
        if name not in own_inputs:
            if spec.required:
                findings.append(Violation(pointer_to("inputs", name), "missing"))
            effective[name] = copy.deepcopy(spec.default)
            continue
        try:
            effective[name] = read_input(spec, own_inputs[name])
        except ValueError as wrong:
            findings.append(Violation(pointer_to("inputs", name), str(wrong)))
    first, last = period(pattern, effective)
    if first and last and first > last:
        findings.append(Violation(pointer_to("inputs", PERIOD[0]), f"is after {PERIOD[1]}, {last}"))
    if findings:
        raise InputsInvalid(findings)
    return effective


def period(pattern: ParsedPattern, effective: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """The first and the last day of the period that a pattern covers, where it declares such inputs and they are given."""
    first, last = (
        effective.get(name) if name in pattern.inputs and pattern.inputs[name].type == "date" else None
        for name in PERIOD
    )
    return first, last
