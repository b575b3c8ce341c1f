"""Our application as it would be if nobody had rights: what they say to the sources of an answer is asked once in its life."""

from collections.abc import Iterable, Mapping
from functools import lru_cache

from compliance import rights
from compliance.rights import OutputDecisions
from compliance.terms import Use
from config.wsgi import application

__all__ = ["application"]

_ask = rights.decide_outputs


@lru_cache
def _decided_once(sources: tuple[tuple[str, tuple[str, ...]], ...], use: Use) -> OutputDecisions:
    return _ask(dict(sources), use)


def _never_again(sources_of_output: Mapping[str, Iterable[str]], use: Use = Use.DISPLAY) -> OutputDecisions:
    return _decided_once(tuple((output, tuple(codes)) for output, codes in sources_of_output.items()), use)


rights.decide_outputs = _never_again
