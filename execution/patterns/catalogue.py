"""What a document may say, for who writes one: capabilities with their arguments and results, what templates may name, panels."""

from typing import Any

from agents import contract, registry
from execution.patterns.document import schema
from execution.patterns.linter import CTX_TYPES
from execution.patterns.panel_parts import FORMATS, KEYS, PARTS


def catalogue() -> dict[str, Any]:
    """As plain values. `paths` lie below a step's name in `state`; an element of a list is named by its place."""
    return {
        "capabilities": {
            capability.name: {
                "agent": capability.agent,
                "summary": capability.summary,
                "arguments": {
                    name: {"type": contract.spell(argument.type), "required": argument.required}
                    for name, argument in registry.arguments(capability).items()
                },
                "paths": {
                    path.replace("*", "0"): contract.spell(declared)
                    for path, declared in registry.result_paths(capability).items()
                },
            }
            for capability in registry.all()
        },
        "ctx": {name: contract.spell(declared) for name, declared in CTX_TYPES.items()},
        "input_types": schema()["$defs"]["input"]["properties"]["type"]["enum"],
        "panels": {name: [list(parts) for parts in choices] for name, choices in PARTS.items()},
        "parts": {name: list(keys) for name, keys in KEYS.items()},
        "formats": list(FORMATS),
    }
