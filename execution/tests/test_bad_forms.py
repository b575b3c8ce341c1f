"""Every field of every form of the pages: missing, empty, wrong, too long, twice, somebody else's, with script and with marks."""

import re
from urllib.parse import urlsplit

import pytest
from django.test import Client

from execution.tests import staging
from execution.tests.test_imports_api import GOOD
from execution.tests.test_imports_page import button, upload
from execution.web.pages import form_owner
from tests.crawl import walk

pytestmark = pytest.mark.usefixtures("read_once")

SCRIPT = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
BAD = {
    "empty": "",
    "wrong": "no such thing",
    "script": SCRIPT,
    "marks": "\u202ename\u2066",
    "too long": "x" * 5_000,
    "a number": "-1e999",
    "nothing": "a\0b",
    "of no alphabet": "\ud7ff\uffff𐀀",
    "a path": "../../etc/passwd",
}
OURS = ("csrfmiddlewaretoken", form_owner.FIELD)
SENT_TWICE = "twice"
FORMS = {
    *("/account/tokens/", "/account/display/", "/account/second-factor/", "/exports/", "/portfolios/public/imports/"),
    *("/portfolios/public/settings/", "/portfolios/public/sharing/", "/portfolios/public/transactions/"),
    *("/portfolios/public/portfolio_holdings/", "/", "/portfolios/public/money_bridge/"),
}
"""Addresses of forms that a walk which missed them would not have been one."""


def forms(client, start):
    seen = set()
    for _, _, page in walk(client, start):
        for form in page.forms:
            path = urlsplit(form.action).path
            key = (
                form.method,
                re.sub(r"\d{2,}|[0-9a-f-]{16,}", "", path),
                frozenset(each.name for each in form.fields),
            )
            if key not in seen and "logout" not in path:
                seen.add(key)
                yield form


def spoilt(form):
    """What was done to a field, and the form with it."""
    whole = form.filled("a word")
    names = [name for name in whole if name not in OURS]
    for name in names:
        yield f"{name} missing", {each: value for each, value in whole.items() if each != name}
        for what, value in BAD.items():
            yield f"{name} {what}", whole | {name: value}
        yield (
            f"{name} {SENT_TWICE}",
            whole | {name: [whole[name], "other"] if isinstance(whole[name], str) else whole[name] * 2},
        )


def send(client, form, fields):
    if form.method == "post":
        return client.post(form.action, fields)
    return client.get(urlsplit(form.action).path, fields)


def test_no_field_of_a_page_is_a_fault_of_ours_whatever_is_in_it(private_demo, settings):
    settings.EXECUTIONS_PER_MINUTE = settings.IMPORTS_PER_MINUTE = 1_000_000
    staging.grant(private_demo, "other", private_demo.public_id)
    client = private_demo.client("owner")
    client.raise_request_exception = False
    client.post("/account/tokens/", {"name": "spreadsheet", "scopes": "read", "days": "30"})
    client.post("/portfolios/public/imports/", {"confirm": button(upload(client, GOOD), "confirm")})

    reached, found = set(), []
    for form in list(forms(client, "/")):
        path = urlsplit(form.action).path
        reached.add(path)
        for what, fields in spoilt(form):
            answer = send(client, form, fields)
            if answer.status_code >= 500:
                found.append((path, what, answer.status_code))
            elif "html" in answer.get("Content-Type", "") and has_script(answer):
                found.append((path, what, "not escaped"))

    assert reached >= FORMS
    assert found == []


def has_script(answer):
    text = answer.content.decode()
    return "<script>alert" in text or "<img src=x" in text


def test_what_is_another_users_is_not_changed_by_anybodys_form(private_demo):
    """Each form of the owner's, sent by another user who sees nothing of it."""
    owner, other = private_demo.client("owner"), private_demo.client("other")
    owner.post("/account/tokens/", {"name": "spreadsheet", "scopes": "read", "days": "30"})
    owner.post("/portfolios/public/imports/", {"confirm": button(upload(owner, GOOD), "confirm")})
    of_public = [form for form in forms(owner, "/portfolios/public/settings/") if "/public/" in form.action]

    answers = {form.action: send(other, form, form.filled("theirs")) for form in of_public if form.method == "post"}

    assert {
        "/portfolios/public/imports/",
        "/portfolios/public/settings/",
        "/portfolios/public/sharing/",
    } <= answers.keys()
    assert {answer.status_code for answer in answers.values()} == {404}
    assert "theirs" not in owner.get("/portfolios/public/settings/").content.decode()
    assert "Undo" in owner.get("/portfolios/public/imports/").content.decode()
    nobody = {form.action: send(Client(), form, {}).status_code for form in of_public}
    assert set(nobody.values()) == {302}


@pytest.mark.parametrize(
    ("path", "fields", "kept", "why"),
    [
        ("/portfolios/public/settings/", {"name": " "}, ' name="name" value=" "', "A portfolio has a name"),
        ("/portfolios/public/settings/", {"name": "x" * 201}, "x" * 201, "longer than 200"),
        ("/portfolios/public/settings/", {"name": "a\u202eb"}, "a\u202eb", "turn the way"),
        ("/portfolios/public/sharing/", {"username": "nobody-at-all", "role": "viewer"}, "nobody-at-all", "nobody"),
        ("/portfolios/public/sharing/", {"username": "other", "role": "king"}, "other", "role"),
        ("/portfolios/public/sharing/", {"username": "other", "role": "viewer", "until": "soon"}, "soon", "no date"),
        ("/account/tokens/", {"name": "y" * 101, "scopes": "read", "days": "30"}, "y" * 101, "at most 100"),
        ("/account/tokens/", {"name": "sheet", "days": "30"}, "sheet", "required"),
    ],
)
def test_what_is_refused_stays_in_the_form_with_the_reason(private_demo, path, fields, kept, why):
    answer = private_demo.client("owner").post(path, fields)

    assert answer.status_code == 400
    assert kept in answer.content.decode()
    assert why in answer.content.decode()
