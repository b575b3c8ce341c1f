"""`compliance/registry.yaml`: the terms of every provider that Tieout ships a door to, most restrictive where sources disagree."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import jsonschema
import yaml

from compliance import versions
from compliance.models import RightsVersion
from compliance.terms import Outcome, Placement, RightsTable, SourceTerms, Use
from compliance.versions import Change
from config import plain_text
from config.errors import TieoutError

SHIPPED: Final = Path(__file__).parent / "registry.yaml"
CODE: Final = r"^[A-Za-z0-9][A-Za-z0-9:._-]*(/[A-Za-z0-9._-]+)?$"
_TEXT: Final = {"type": "string", "maxLength": 400}
_FORM: Final = {
    "type": "object",
    "required": ["sources"],
    "additionalProperties": False,
    "properties": {
        "sources": {
            "type": "object",
            "propertyNames": {"pattern": CODE, "maxLength": 128},
            "additionalProperties": {
                "type": "object",
                "required": ["name", "uses"],
                "additionalProperties": False,
                "properties": {
                    "name": {"type": "string", "minLength": 1, "maxLength": 200},
                    "attribution": {
                        "type": "object",
                        "required": ["text"],
                        "additionalProperties": False,
                        "properties": {
                            "text": {**_TEXT, "minLength": 1},
                            "placement": {"enum": [placement.value for placement in Placement]},
                            "link": _TEXT,
                        },
                    },
                    "watermark": {"type": "string", "minLength": 1, "maxLength": 200},
                    "terms": {"type": "string"},
                    "uses": {
                        "type": "object",
                        "propertyNames": {"enum": [use.value for use in Use]},
                        "additionalProperties": {"enum": [outcome.value for outcome in Outcome]},
                    },
                },
            },
        }
    },
}


class MalformedRegistry(TieoutError):
    """The file can't be read as a registry; nothing of it was loaded."""

    def __init__(self, name: str, line: int, reason: str) -> None:
        super().__init__(f"{name}, line {line}: {reason}")
        self.line = line


@dataclass(frozen=True, slots=True)
class LoadedRights:
    """What a load did.

    entered    codes that became part of a version
    differing  what the file says otherwise than the version that decides, of codes that were left alone
    version    None where nothing was entered
    """

    entered: tuple[str, ...]
    differing: tuple[Change, ...]
    version: RightsVersion | None


def read(path: Path = SHIPPED) -> dict[str, SourceTerms]:
    """The terms by code; a use that is not stated is denied. Raises MalformedRegistry with the line and the reason."""
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        values = yaml.safe_load(text)
    except OSError as error:
        raise MalformedRegistry(path.name, 0, error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise MalformedRegistry(path.name, 0, "it is not UTF-8") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        raise MalformedRegistry(path.name, line, getattr(error, "problem", None) or str(error)) from error
    _refuse_doubles(path.name, node)
    _refuse_hidden(path.name, node)
    for finding in jsonschema.Draft202012Validator(_FORM).iter_errors(values):
        raise MalformedRegistry(path.name, _line(node, list(finding.absolute_path)), finding.message)
    sources = {}
    for code, row in values["sources"].items():
        sources[code] = terms = _terms(row)
        uses = set(terms.uses.values())
        if not terms.attribution and uses & {Outcome.ATTRIBUTE, Outcome.WATERMARK}:
            raise MalformedRegistry(
                path.name, _line(node, ["sources", code]), f"{code} asks for an attribution, and gives none"
            )
        if not terms.watermark and Outcome.WATERMARK in uses:
            raise MalformedRegistry(
                path.name, _line(node, ["sources", code]), f"{code} asks for a watermark, and gives none"
            )
    return sources


def load(path: Path = SHIPPED, *, replace: bool = False) -> LoadedRights:
    """Enter what the file names and no version does; what is known already stays, and is told where the file says otherwise.

    replace  let the file win over what is known
    raises   MalformedRegistry; nothing was loaded then
    """
    return enter_sources(read(path), reason=f"loaded from {path.name}", replace=replace)


def enter_sources(rows: Mapping[str, SourceTerms], *, reason: str, replace: bool = False) -> LoadedRights:
    """Enter sources that no version names, and tell what is said otherwise of those that one does."""
    now = versions.current()
    current_terms = now.as_table().sources if now else {}
    version = versions.enter(rows, reason=reason, replace=replace)
    differing = [] if replace else versions.compare(_common(current_terms, rows), _common(rows, current_terms))
    entered = tuple(
        sorted(code for code in rows if code not in current_terms or (replace and current_terms[code] != rows[code]))
    )
    return LoadedRights(entered, tuple(differing), version)


def _common(sources: Mapping[str, SourceTerms], others: Mapping[str, SourceTerms]) -> RightsTable:
    return RightsTable({code: sources[code] for code in sources.keys() & others.keys()})


def _terms(row: Mapping[str, Any]) -> SourceTerms:
    attribution = row.get("attribution", {})
    return SourceTerms(
        name=row["name"],
        uses={use: Outcome(row["uses"].get(use.value, Outcome.DENY)) for use in Use},
        attribution=attribution.get("text", ""),
        placement=Placement(attribution.get("placement", Placement.FOOTER if attribution else Placement.NONE)),
        link=attribution.get("link", ""),
        watermark=row.get("watermark", ""),
        terms=row.get("terms", "").strip(),
    )


def _line(node: Any, path: list[Any]) -> int:
    """The line of the value at `path`, or of the nearest that is there."""
    for step in path:
        if isinstance(node, yaml.MappingNode):
            matches = [value for key, value in node.value if key.value == str(step)]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            matches = node.value[step : step + 1]
        else:
            matches = []
        if not matches:
            break
        node = matches[0]
    return node.start_mark.line + 1 if node is not None else 1


def _refuse_hidden(name: str, node: Any) -> None:
    """Names, attributions and watermarks are read by people, whichever source they come from."""
    if isinstance(node, yaml.ScalarNode):
        for line in node.value.split("\n"):
            if (reason := plain_text.find_hidden(line)) is not None:
                raise MalformedRegistry(name, node.start_mark.line + 1, f"it {reason}")
    elif node is not None:
        for value in node.value:
            for each in value if isinstance(value, tuple) else (value,):
                _refuse_hidden(name, each)


def _refuse_doubles(name: str, node: Any) -> None:
    """YAML's parser keeps the last of two equal keys; here that would be one of two rights, by chance."""
    if isinstance(node, yaml.MappingNode):
        earlier_keys = set()
        for key, value in node.value:
            if key.value in earlier_keys:
                raise MalformedRegistry(name, key.start_mark.line + 1, f"{key.value} is there twice")
            earlier_keys.add(key.value)
            _refuse_doubles(name, value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _refuse_doubles(name, value)
