"""A personal token at the doors of the API, and the page that makes it."""

import json
import re
from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import get_resolver
from rest_framework.permissions import AllowAny
from rest_framework.views import APIView

from compliance.models import AuditEntry
from config import scope
from config.log_in import personal_tokens
from config.models import PersonalToken, TokenScope
from execution.web import authentication, limits

PAGE = "/account/tokens/"
CLOSED = {("PATCH", "settings"), ("POST", "portfolio-access"), ("DELETE", "portfolio-access-row")}
"""What changes something and no personal token opens."""
NEEDED = {
    ("GET", "portfolio-file"): "export",
    ("POST", "execute"): "execute",
    ("POST", "replay"): "execute",
    ("POST", "compare"): "execute",
    ("GET", "execution-order"): "execute",
    ("DELETE", "execution-order"): "execute",
    ("POST", "imports"): "import",
    ("DELETE", "import"): "import",
    ("POST", "exports"): "export",
    ("GET", "export"): "export",
    ("DELETE", "export"): "export",
    ("GET", "export-file"): "export",
}
"""Method and address -> the scope, where it is not `read`."""


def make(demo, *scopes, username="owner", days=7):
    user = demo.user(username)
    with scope.acting_as(user):
        return personal_tokens.issue(
            user, name="a test", scopes=[TokenScope(each) for each in scopes], days=days, now=datetime.now(UTC)
        )


def bearer(text):
    return {"Authorization": f"Bearer {text}"}


def ask(demo, text):
    body = {"pattern_id": "portfolio_overview", "portfolio_id": str(demo.public_id)}
    return Client().post("/v1/execute", json.dumps(body), content_type="application/json", headers=bearer(text))


def test_a_token_asks_in_the_name_of_its_user(private_demo):
    _, text = make(private_demo, "execute")
    _, of_other = make(private_demo, "execute", username="other")

    assert ask(private_demo, text).status_code == 200
    assert ask(private_demo, of_other).json()["type"] == "portfolio-not-found"


def test_a_scope_that_lacks_is_named(private_demo):
    _, text = make(private_demo, "read", "export", "agent")

    refused = ask(private_demo, text)
    closed = Client().patch(
        f"/v1/portfolios/{private_demo.public_id}/settings",
        "{}",
        content_type="application/json",
        headers=bearer(text),
    )

    assert (refused.status_code, refused.json()["type"], refused.json()["scope"]) == (403, "forbidden", "execute")
    assert refused.json()["detail"] == "this personal token has not the scope execute"
    assert (closed.status_code, closed.json()["scope"]) == (403, None)


def doors():
    """Method, name and view of every address of the API that asks who comes."""
    for each in get_resolver().url_patterns:
        for pattern in getattr(each, "url_patterns", []):
            view = getattr(pattern.callback, "cls", None)
            if not view or not issubclass(view, APIView) or not str(pattern.pattern).startswith("v1/"):
                continue
            if view.permission_classes and AllowAny not in view.permission_classes:
                methods = (method for method in ("get", "post", "put", "patch", "delete") if hasattr(view, method))
                yield from ((method.upper(), pattern.name, view) for method in methods)


def test_each_door_has_its_scope_or_is_closed():
    found = {(method, name): authentication.needed_scope(view, method) for method, name, view in doors()}

    assert {door for door, needed in found.items() if needed is None} == CLOSED
    assert {door: needed.value for door, needed in found.items() if needed and needed != TokenScope.READ} == NEEDED
    assert [name for _, name, view in doors() if authentication.WithinScope not in view.permission_classes] == []


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer "])
def test_the_name_of_a_scheme_has_no_case(private_demo, scheme):
    for text in (private_demo.token("owner"), make(private_demo, "read")[1]):
        assert Client().get("/v1/portfolios", headers={"Authorization": f"{scheme} {text}"}).status_code == 200


@pytest.mark.parametrize("text", ["tieout_", "tieout_1_x", "tieout_1_" + "x" * 43, "tieout_\udcff"])
def test_what_is_no_token_is_401(demo, text):
    answer = ask(demo, text.encode("utf-8", "surrogateescape").decode("latin-1"))

    assert (answer.status_code, answer.json()["type"]) == (401, "unauthenticated")
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_a_revoked_token_is_401(private_demo):
    token, text = make(private_demo, "read")
    with scope.acting_as(private_demo.user("owner")):
        personal_tokens.revoke(private_demo.user("owner"), token.pk)

    answer = Client().get("/v1/packs", headers=bearer(text))

    assert (answer.status_code, answer.json()["detail"]) == (
        401,
        "This personal token is unknown, has expired or was revoked.",
    )


def test_each_token_has_a_limit_of_its_own(private_demo, settings, monkeypatch):
    monkeypatch.setattr(limits.time, "time", lambda: 1_800_000_030.0)
    settings.TOKEN_REQUESTS_PER_MINUTE = 2
    texts = [make(private_demo, "read")[1] for _ in range(2)]

    answers = [Client().get("/v1/packs", headers=bearer(text)) for text in (texts[0], texts[0], texts[0], texts[1])]

    assert [answer.status_code for answer in answers] == [200, 200, 429, 200]
    assert answers[2]["Retry-After"] == "30"
    assert answers[2].json()["detail"] == "more than 2 token requests in a minute: go on in 30 s"


def test_the_page_shows_a_new_token_once_and_revokes_it(private_demo):
    client = private_demo.client("owner")
    made = client.post(PAGE, {"name": "my notebook", "scopes": ["read", "execute"], "days": "30"})
    text = re.search(r"<code>(tieout_[^<]+)</code>", made.content.decode())[1]
    later = client.get(PAGE).content.decode()
    asked = ask(private_demo, text)
    used = client.get(PAGE).content.decode()
    with private_demo.role("job"):
        token = PersonalToken.objects.get()

    client.post(PAGE, {"revoke": str(token.pk)})

    assert made.status_code == 200
    assert "no-store" in made["Cache-Control"]
    assert text not in later
    assert token.prefix in later
    assert "<td>never</td>" in later
    assert asked.status_code == 200
    assert "<td>never</td>" not in used
    assert ask(private_demo, text).status_code == 401
    assert "revoked" in client.get(PAGE).content.decode()


@pytest.mark.parametrize(
    "form",
    [
        {"name": "", "scopes": ["read"], "days": "30"},
        {"name": "n", "scopes": [], "days": "30"},
        {"name": "n", "scopes": ["admin"], "days": "30"},
        {"name": "n", "scopes": ["read"], "days": "400"},
        {"name": "a\x00", "scopes": ["read"], "days": "30"},
    ],
    ids=str,
)
def test_the_page_makes_nothing_of_a_wrong_form(private_demo, form):
    answer = private_demo.client("owner").post(PAGE, form)

    assert answer.status_code == 400
    assert 'class="wrong"' in answer.content.decode()
    with private_demo.role("job"):
        assert not PersonalToken.objects.exists()


def test_a_page_of_another_revokes_nothing(private_demo):
    token, text = make(private_demo, "execute")

    for wrong in (str(token.pk), "x", "9" * 30, "²"):
        assert private_demo.client("other").post(PAGE, {"revoke": wrong}).status_code == 302

    assert ask(private_demo, text).status_code == 200


def test_a_token_is_on_record_and_its_use_is_not(private_demo):
    token, text = make(private_demo, "execute")
    ask(private_demo, text)
    with scope.acting_as(private_demo.user("owner")):
        personal_tokens.revoke(private_demo.user("owner"), token.pk)

    with private_demo.role("job"):
        entries = list(AuditEntry.objects.filter(table_name="config_personaltoken").order_by("id"))
    assert [(each.action, sorted(each.after)) for each in entries][1:] == [("update", ["revoked_at"])]
    assert entries[0].after["scopes"] == ["execute"]
    assert text not in str([each.after for each in entries])
