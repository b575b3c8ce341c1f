"""Capability → agent → answer. The one place where an agent's code is called."""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from time import perf_counter
from typing import Any, NamedTuple

import redis

from agents import breaker, registry
from agents.breaker import (
    FAIL_MAX,
    RESET_TIMEOUT_S,
    AgentFailed,
    DependencyFailed,
    StorageAway,
    is_dependency_failure,
    is_storage_failure,
)
from agents.registry import Capability, Registry, UnknownCapability
from agents.result import RequestContext, Result
from config import telemetry
from config.breaker import Breaker, read_states
from config.errors import TieoutError

logger = logging.getLogger(__name__)


class CapabilityFailed(AgentFailed):
    """An agent's code broke in a way it has no name for. The request alone fails; the cause is in the log, never in an answer."""

    def __init__(self, capability: str, agent: str) -> None:
        super().__init__(f"{capability} of {agent} broke")
        self.capability, self.agent = capability, agent


class DependencyAway(DependencyFailed):
    """What an agent itself depends on (a provider, the disk, the network) did not answer."""

    def __init__(self, capability: str, agent: str) -> None:
        super().__init__(f"something that {capability} of {agent} needs did not answer")
        self.capability, self.agent = capability, agent


class NotPermitted(TieoutError):
    """A capability calls a provider, and whoever called it asked nobody whether it may."""

    def __init__(self, capability: str, provider: str) -> None:
        super().__init__(f"{capability} calls {provider}, and nobody was asked whether it may")
        self.capability, self.provider = capability, provider


Permit = Callable[[Capability, Sequence[str]], None]
"""Asked before a provider is called, with the sources that the arguments rest on. What it raises refuses the call."""


def permit_nothing(capability: Capability, sources: Sequence[str]) -> None:
    raise NotPermitted(capability.name, capability.provider)


class Invocation(NamedTuple):
    """One answered call."""

    result: Result[Any]
    capability: str
    agent: str
    duration_ms: float


class AgentRuntime:
    """Routes calls. Holds no state of any request, so all requests share one."""

    def __init__(
        self,
        offered: Registry = registry.default,
        *,
        client: redis.Redis | None = None,
        fail_max: int = FAIL_MAX,
        reset_timeout_s: float = RESET_TIMEOUT_S,
    ) -> None:
        """`client` shares the breakers between processes; without one each process has its own."""
        self._client, self._fail_max, self._reset_timeout_s = client, fail_max, reset_timeout_s
        self._capabilities: dict[str, Capability] = {}
        self._breakers: dict[str, Breaker] = {}
        self._making = threading.Lock()
        self.register(offered.all())

    def register(self, capabilities: Iterable[Capability]) -> None:
        """Offer more of them. Raises BadCapability on a name that another function has."""
        for capability in capabilities:
            namesake = self._capabilities.setdefault(capability.name, capability)
            if namesake is not capability:
                raise registry.BadCapability(capability.name, f"already offered by {namesake.agent}")

    @property
    def agents(self) -> dict[str, tuple[str, ...]]:
        """Agent → the names of its capabilities, both sorted."""
        offered: dict[str, list[str]] = {}
        for name, capability in sorted(self._capabilities.items()):
            offered.setdefault(capability.agent, []).append(name)
        return {agent: tuple(names) for agent, names in sorted(offered.items())}

    def agent_of(self, name: str) -> str | None:
        """The agent that offers a capability, None when nobody does."""
        capability = self._capabilities.get(name)
        return capability.agent if capability else None

    def breaker_states(self) -> dict[str, int]:
        """Capability → 0 closed, 1 open, 2 half-open."""
        names = sorted(self._capabilities)
        return dict(zip(names, read_states([self._breaker(name) for name in names]), strict=True))

    def find(self, name: str) -> Capability | None:
        """The capability of a name, None when nobody offers it."""
        return self._capabilities.get(name)

    def prepare(
        self,
        name: str,
        ctx: RequestContext,
        arguments: Mapping[str, Any],
        *,
        sources: Sequence[str] = (),
        permit: Permit = permit_nothing,
    ) -> Callable[[], Invocation]:
        """A call that is checked and may be made, in this thread or in another.

        sources  that the arguments rest on
        permit   asked before the provider of a recorded capability is called
        raises   UnknownCapability, ArgumentsInvalid, what `permit` raises: none of it reaches the agent or the breaker

        The call raises BreakerOpen, the agent's own named error as it is, StorageAway, DependencyAway, CapabilityFailed.
        """
        capability = self._capabilities.get(name)
        if capability is None:
            raise UnknownCapability(name, registry.near(name, self._capabilities))
        bound = registry.bind(capability, arguments)
        if capability.recorded and capability.is_on():
            permit(capability, sources)
        return lambda: self._make(capability, ctx, bound)

    def _make(self, capability: Capability, ctx: RequestContext, bound: Mapping[str, Any]) -> Invocation:
        started = perf_counter()
        with telemetry.span("capability.call", capability=capability.name, agent=capability.agent):
            result = self._breaker(capability.name).call(lambda: _ask(capability, ctx, bound))
        return Invocation(result, capability.name, capability.agent, round((perf_counter() - started) * 1000, 3))

    def _breaker(self, capability: str) -> Breaker:
        guard = self._breakers.get(capability)
        if guard is None:
            with self._making:
                guard = self._breakers.get(capability) or breaker.for_capability(
                    capability, client=self._client, fail_max=self._fail_max, reset_timeout_s=self._reset_timeout_s
                )
                self._breakers[capability] = guard
        return guard


def _ask(capability: Capability, ctx: RequestContext, bound: Mapping[str, Any]) -> Result[Any]:
    try:
        result = capability(ctx, **bound)
        if not isinstance(result, Result):
            raise TypeError(f"{capability.name} gave back a {type(result).__name__}, not a Result")
        return result
    except TieoutError:
        raise
    except Exception as stranger:
        about = {"capability": capability.name, "agent": capability.agent}
        storage = is_storage_failure(stranger)
        if storage or is_dependency_failure(stranger):
            logger.warning("something that a capability needs did not answer", exc_info=True, extra=about)
            if storage:
                raise StorageAway(f"the database or Redis did not answer {capability.name}") from stranger
            raise DependencyAway(capability.name, capability.agent) from stranger
        logger.exception("capability failed", extra=about)
        raise CapabilityFailed(capability.name, capability.agent) from stranger
