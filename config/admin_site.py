"""The admin, which answers addresses that the database can't read with 400, as every other door does."""

from functools import wraps
from typing import Any

from django.contrib import admin
from django.contrib.admin.apps import AdminConfig
from django.core.exceptions import BadRequest
from django.db import DataError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import SimpleTemplateResponse


class Site(admin.AdminSite):
    """Django's admin site. A value in an address (a NUL, half a regular expression, a year of no calendar) reaches PostgreSQL as it
    stands, and what PostgreSQL can't read is the caller's fault, not ours."""

    site_header = "Tieout"
    site_title = "Tieout"
    index_title = "What staff look after"

    def app_index(self, request: HttpRequest, app_label: str, extra_context: Any = None) -> HttpResponse:  # type: ignore[override]
        """Pages stand by task on the index; a room of the source is no page of staff's."""
        return redirect("admin:index")

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        @wraps(view)
        def guarded_view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            try:
                response: HttpResponse = view(request, *args, **kwargs)
                if isinstance(response, SimpleTemplateResponse):
                    response.render()  # lists are read while they are rendered
            except (DataError, OverflowError) as fault:
                raise BadRequest("a value in the address can't be read") from fault
            return response

        return super().admin_view(guarded_view, cacheable)


class SiteConfig(AdminConfig):
    default_site = "config.admin_site.Site"
