"""The query string of every address of the API: a form reads it, and a parameter that the form has not is refused."""

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


class Door(KnownParameters, APIView):
    pass
