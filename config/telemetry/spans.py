"""A piece of work as a span of the trace."""

from typing import Any, Unpack

from config.telemetry.ids import Ids, bound


class span(bound):  # noqa: N801 - reads as a word of a `with`
    """Open a piece of work for the length of a `with`: its ids are bound for logs and error reports."""

    __slots__ = ("_name",)

    def __init__(self, name: str, **ids: Unpack[Ids]) -> None:
        super().__init__(**ids)
        self._name = name

    def __exit__(self, *failure: Any) -> None:
        super().__exit__(*failure)
