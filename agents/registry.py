"""Which capabilities there are, and what the annotations of each promise.

The signature is the contract: `fn(ctx: RequestContext, *, arg: Type, ...) -> Result[DataType]`. The linter checks
patterns against it, the runtime binds arguments by it; one that leaves something unsaid is refused at import.
"""

import difflib
import inspect
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar, get_args, get_origin, get_type_hints

from agents import contract
from agents.result import RequestContext, Result
from config.errors import TieoutError

Function = TypeVar("Function", bound=Callable[..., Result[Any]])


class BadCapability(TypeError):
    """A function that can't be a capability, with the reason. Seen by its author, at import."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"capability {name}: {reason}")
        self.name, self.reason = name, reason


class UnknownCapability(TieoutError):
    """No agent offers it. `near` holds up to three names that it may have meant."""

    def __init__(self, name: str, near: Sequence[str] = ()) -> None:
        super().__init__(f"no agent offers {name}" + (f"; near: {', '.join(near)}" if near else ""))
        self.name, self.near = name, tuple(near)


class ArgumentsInvalid(TieoutError):
    """Arguments that do not fit the declared ones; all of them: (argument, reason)."""

    def __init__(self, capability: str, findings: Sequence[tuple[str, str]]) -> None:
        reasons = "; ".join(f"{argument}: {reason}" for argument, reason in findings)
        super().__init__(f"arguments of {capability} do not fit: {reasons}")
        self.capability, self.findings = capability, tuple(findings)


class Argument(NamedTuple):
    type: Any
    required: bool


@dataclass(frozen=True, slots=True)
class Capability:
    """A named function an agent offers.

    provider        the code of the source that it calls when it is asked; empty for one that rests on what is stored
    reads_as_model  the provider is a language model, to which the arguments are given
    is_on           whether the provider is called at all
    """

    name: str
    agent: str
    function: Callable[..., Result[Any]]
    provider: str
    reads_as_model: bool
    is_on: Callable[[], bool]
    arguments: Mapping[str, Argument]
    data_type: Any
    summary: str

    @property
    def recorded(self) -> bool:
        """Whether its answer is an input of the execution, which replay reads."""
        return bool(self.provider)

    def __call__(self, ctx: RequestContext, /, **arguments: Any) -> Result[Any]:
        return self.function(ctx, **arguments)


class Registry:
    """Capabilities by name. The module has one that agents fill at import; a test makes its own."""

    def __init__(self) -> None:
        self._capabilities: dict[str, Capability] = {}

    def capability(
        self,
        name: str,
        *,
        agent: str,
        provider: str = "",
        reads_as_model: bool = False,
        is_on: Callable[[], bool] = lambda: True,
    ) -> Callable[[Function], Function]:
        """Register the decorated function, which is given back unchanged. Raises BadCapability.

        provider        of one that calls a provider when it is asked, or a language model: its answer is recorded
        reads_as_model  the provider is a language model
        is_on           whether the provider is called at all; a capability may answer without it
        """

        def register(function: Function) -> Function:
            namesake = self._capabilities.get(name)
            if namesake is not None:
                raise BadCapability(name, f"already offered by {namesake.agent}")
            called = _Called(provider, reads_as_model, is_on)
            self._capabilities[name] = _read(function, name=name, agent=agent, called=called)
            return function

        return register

    def get(self, name: str) -> Capability:
        """Raises UnknownCapability, with near names."""
        try:
            return self._capabilities[name]
        except KeyError:
            raise UnknownCapability(name, near(name, self._capabilities)) from None

    def all(self) -> tuple[Capability, ...]:
        """Every capability, by name."""
        return tuple(self._capabilities[name] for name in sorted(self._capabilities))


default = Registry()
capability = default.capability
get = default.get
all = default.all


def near(name: str, names: Iterable[str]) -> list[str]:
    """Up to three of the names that a mistyped one may have meant."""
    return difflib.get_close_matches(name[:200], names, n=3)


def arguments(cap: Capability) -> Mapping[str, Argument]:
    """Name → (type, required), in the order of the signature."""
    return cap.arguments


def result_paths(cap: Capability) -> dict[str, Any]:
    """Each path a template may name below the step's result → its declared type; `*` stands for any element or key."""
    return contract.paths(cap.data_type)


def bind(cap: Capability, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments to call with: names checked, types checked, canonical strings made dates, UUIDs and decimals.

    A value that already fits is passed on as the same object. Raises ArgumentsInvalid with every finding.
    """
    findings = [(name, "unknown argument") for name in arguments if name not in cap.arguments]
    findings += [(n, "missing") for n, declared in cap.arguments.items() if declared.required and n not in arguments]
    bound = {}
    for name, value in arguments.items():
        if name in cap.arguments:
            try:
                bound[name] = contract.fit(value, cap.arguments[name].type)
            except contract.TypeMismatch as mismatch:
                findings.append((name, str(mismatch)))
    if findings:
        raise ArgumentsInvalid(cap.name, findings)
    return bound


class _Called(NamedTuple):
    """What a capability calls, as `Capability` has it."""

    provider: str
    reads_as_model: bool
    is_on: Callable[[], bool]


def _read(function: Callable[..., Result[Any]], *, name: str, agent: str, called: _Called) -> Capability:
    try:
        hints = get_type_hints(function, include_extras=True)
    except NameError as missing:
        raise BadCapability(name, f"annotation can't be read: {missing}") from missing
    parameters = list(inspect.signature(function).parameters.values())
    if not parameters or parameters[0].kind is not inspect.Parameter.POSITIONAL_OR_KEYWORD:
        raise BadCapability(name, "the first parameter is the request context")
    declared = {}
    for parameter in parameters[1:]:
        if parameter.kind is not inspect.Parameter.KEYWORD_ONLY:
            raise BadCapability(name, f"{parameter.name} must be keyword-only")
        if parameter.name not in hints:
            raise BadCapability(name, f"{parameter.name} has no annotation")
        declared[parameter.name] = Argument(hints[parameter.name], parameter.default is inspect.Parameter.empty)
    returned = hints.get("return")
    if get_origin(returned) is not Result:
        raise BadCapability(name, "must be annotated to return Result[...]")
    (data_type,) = get_args(returned)
    dataclass_of_result = getattr(data_type, "__dataclass_params__", None)
    if dataclass_of_result is not None and not dataclass_of_result.frozen:
        raise BadCapability(name, f"{data_type.__name__}, which it returns, must be a frozen dataclass")
    if called.reads_as_model and not called.provider:
        raise BadCapability(name, "gives its arguments to a language model, and must name the provider of it")
    summary = (inspect.getdoc(function) or "").partition("\n")[0]
    return Capability(name, agent, function, *called, types.MappingProxyType(declared), data_type, summary)
