"""The page of a user's personal tokens: made, shown once, seen to be used, revoked."""

from datetime import UTC, datetime
from typing import Any, Final

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from config import plain_text
from config.counts import number_of
from config.log_in import personal_tokens
from config.models import PersonalToken, TokenScope

SCOPES: Final = {
    TokenScope.READ: "read: see portfolios, transactions, lots, earlier answers",
    TokenScope.EXECUTE: "execute: ask patterns",
    TokenScope.IMPORT: "import: write transactions into the ledger of your portfolios",
    TokenScope.EXPORT: "export: take results out as files",
    TokenScope.AGENT: "agent: opens nothing yet",
}
LISTED: Final = 100


class TokenForm(forms.Form):
    name = forms.CharField(label="What it is for", max_length=100, validators=[plain_text.require_visible])
    scopes = forms.MultipleChoiceField(
        label="What it may do",
        choices=[(code.value, words) for code, words in SCOPES.items()],
        widget=forms.CheckboxSelectMultiple,
        initial=[TokenScope.READ.value, TokenScope.EXECUTE.value],
    )
    days = forms.TypedChoiceField(
        label="How long it lives",
        choices=[(days, f"{number_of(days, 'day')}") for days in (7, 30, 90, 365)],
        coerce=int,
        initial=personal_tokens.USUAL_DAYS,
    )


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@login_required
def page(request: HttpRequest) -> HttpResponse:
    """A new token is shown in the answer to its form alone."""
    if "revoke" in request.POST:
        token_id = request.POST["revoke"]
        if token_id.isascii() and token_id.isdigit() and len(token_id) < 19:
            personal_tokens.revoke(request.user, int(token_id))
        return HttpResponseRedirect(request.get_full_path())
    form = TokenForm(request.POST if request.method == "POST" else None)
    issued = _issue(request, form) if form.is_valid() else ""
    context = {"form": form if form.errors else TokenForm(), "issued": issued, "tokens": _token_rows(request)}
    return render(request, "own_tokens.html", context, status=400 if form.errors else 200)


def _issue(request: HttpRequest, form: TokenForm) -> str:
    try:
        _, text = personal_tokens.issue(
            request.user,
            name=form.cleaned_data["name"],
            scopes=[TokenScope(each) for each in form.cleaned_data["scopes"]],
            days=form.cleaned_data["days"],
            now=datetime.now(UTC),
        )
    except personal_tokens.TooManyTokens as refusal:
        form.add_error(None, str(refusal))
        return ""
    return text


def _token_rows(request: HttpRequest) -> list[dict[str, Any]]:
    now = datetime.now(UTC)
    rows = PersonalToken.objects.filter(user=request.user.pk)[:LISTED]
    return [{"row": row, "state": _state(row, now), "scopes": ", ".join(row.scopes)} for row in rows]


def _state(token: PersonalToken, now: datetime) -> str:
    if token.revoked_at is not None:
        return "revoked"
    return "expired" if token.expires_at <= now else "usable"
