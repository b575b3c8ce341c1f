"""What every address of the API has in common: a form reads its query string, a parameter that the form has not is refused, and
nothing of its answers is kept by caches that the address does not allow to."""

from collections.abc import Mapping
from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from execution.web.api.query import read_query

QueryForms = Mapping[str, type[serializers.Serializer[Any]]]


class NoParameters(serializers.Serializer[Any]):
    """The query string of an address that has none."""


# The classes have no docstrings: the OpenAPI document would describe by them every address that has none of its own.


class KnownParameters:
    query_forms: ClassVar[QueryForms] = {}
    """Method -> form of its query string; a method that is not there has no parameters."""
    query: Mapping[str, Any]
    """The parameters of this request, as the form reads them."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)  # type: ignore[misc]
        method = "GET" if request.method == "HEAD" else request.method or ""
        self.query = read_query(self.query_forms.get(method, NoParameters), request)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        answer = super().finalize_response(request, response, *args, **kwargs)  # type: ignore[misc]
        answer.headers.setdefault("Cache-Control", "private, no-store")
        return answer


class Door(KnownParameters, APIView):
    pass
