"""Which figure is asked for: a JSON pointer into the answers of an execution's steps."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from agents.result import RequestContext
from config import dates
from config.errors import TieoutError
from config.strict_json import pointer_to
from execution.executor import RequestInvalid
from execution.patterns import templating
from execution.patterns.document import Step

FIGURE_KEYS = {"value", "status", "reason", "basis"}
INDEX: Final = re.compile("0|[1-9][0-9]{0,8}")
LOOSE_TILDE: Final = re.compile("~(?![01])")
"""Which no name of a JSON pointer has."""


class PathNotFound(TieoutError):
    """The execution has no such path."""

    def __init__(self, path: str) -> None:
        super().__init__(f"the execution has nothing at {path}")
        self.path = path


class NotExplained(TieoutError):
    """A figure that nobody can take apart yet. It is never explained in part."""

    def __init__(self, path: str, capability: str) -> None:
        super().__init__(f"{path}: a figure of {capability} that can't be explained yet")
        self.path, self.capability = path, capability


class FigureDiffers(TieoutError):
    """A figure that the engine that computed it does not compute again, and so does not explain."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} does not come out again as it was answered")
        self.path = path


@dataclass(frozen=True, slots=True)
class Question:
    """A path below the answer of one step, with what the step computed and what it computed it from."""

    step: Step
    path: tuple[str, ...]
    arguments: Mapping[str, Any]
    """As the capability got them."""
    data: Any
    """As the capability gave it."""
    ctx: RequestContext

    @property
    def steps(self) -> dict[str, str]:
        """Argument -> the step whose answer it is."""
        references = {name: list(templating.references_in(value)) for name, value in self.step.args.items()}
        return {
            name: of_argument[0].path[1]
            for name, of_argument in references.items()
            if len(of_argument) == 1 and of_argument[0].path[0] == "state" and len(of_argument[0].path) == 2
        }


def split(pointer: str) -> tuple[str, ...]:
    """The names of a JSON pointer (RFC 6901). Raises RequestInvalid."""
    if not pointer.startswith("/") or pointer == "/" or LOOSE_TILDE.search(pointer):
        raise invalid("is no JSON pointer such as /valued_positions/total_value")
    return tuple(name.replace("~1", "/").replace("~0", "~") for name in pointer[1:].split("/"))


def is_date(name: str) -> bool:
    """Whether a name of a path is a day."""
    try:
        dates.parse(name)
    except ValueError:
        return False
    return True


def invalid(reason: str) -> RequestInvalid:
    return RequestInvalid([{"pointer": "/path", "reason": reason}])


def stored_at(result: Any, path: tuple[str, ...]) -> Any:
    """What a result has at a path. Raises PathNotFound."""
    value = result
    for name in path:
        if isinstance(value, dict) and name in value:
            value = value[name]
        elif isinstance(value, list) and (place := place_in(value, name)) is not None:
            value = value[place]
        else:
            raise PathNotFound(pointer_to(*path))
    return value


def place_in(values: Sequence[Any], name: str) -> int | None:
    """The number that a name of a path is, where a list has so many; None else."""
    return int(name) if INDEX.fullmatch(name) and int(name) < len(values) else None


def is_metric(figure: Any) -> bool:
    """Whether it is a figure with its status and basis."""
    return isinstance(figure, dict) and figure.keys() == FIGURE_KEYS
