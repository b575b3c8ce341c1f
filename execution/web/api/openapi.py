"""GET /v1/schema: the OpenAPI document, made once by each process."""

from threading import Lock
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.views import SpectacularAPIView

from execution.web.api.door import KnownParameters

_making = Lock()
_made: dict[str, Any] = {}


class OneDocument(SchemaGenerator):
    """The document is the same for every caller. What makes it is drf-spectacular's inspection of the views, which two threads
    can't do at a time."""

    def get_schema(self, request: Any = None, public: bool = False) -> dict[str, Any]:
        with _making:
            if not _made:
                _made.update(super().get_schema(request=None, public=True))  # type: ignore[no-untyped-call]
            return _made


class Schema(KnownParameters, SpectacularAPIView):
    generator_class = OneDocument
