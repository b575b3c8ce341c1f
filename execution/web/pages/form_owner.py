"""Whose a form is: each form that is posted says it beside its CSRF token, signed, so that nobody else can write it.

The tag `csrf_token` of all templates writes both, those of Django's admin too. Where the session has ended, what was typed into
the form waits for this user.
"""

from typing import Any, Final

from django import template
from django.core import signing
from django.http import QueryDict
from django.template.base import Parser, Token
from django.template.context import Context
from django.template.defaulttags import CsrfTokenNode
from django.utils.html import format_html
from django.utils.safestring import SafeString

FIELD: Final = "form"
SALT: Final = "form-owner"

register = template.Library()


class FormNode(CsrfTokenNode):
    def render(self, context: Context) -> SafeString:
        user: Any = getattr(context.get("request"), "user", None)
        is_somebodys = user is not None and user.is_authenticated
        whose = (
            format_html('<input type="hidden" name="{}" value="{}">', FIELD, sign(str(user.pk))) if is_somebodys else ""
        )
        return format_html("{}{}", super().render(context), whose)


@register.tag
def csrf_token(parser: Parser, token: Token) -> FormNode:
    return FormNode()


def sign(user_id: str) -> str:
    return signing.Signer(salt=SALT).sign(user_id)


def read(fields: QueryDict) -> str:
    """The id of the user whom the form was made for; "" where it does not say so, or not by our hand."""
    try:
        return signing.Signer(salt=SALT).unsign(fields.get(FIELD, ""))
    except signing.BadSignature:
        return ""
