"""A form that is sent after its session has ended: nothing that was typed is lost, in any form of the pages and of the admin."""

import html
import re
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from execution.tests import staging
from execution.tests.test_imports_api import GOOD
from execution.tests.test_imports_page import button, upload
from execution.web.pages import form_owner, unsent_forms
from portfolio.models import Portfolio
from tests.crawl import PageReader, walk

SETTINGS = "/portfolios/public/settings/"
TYPED = 'typed <b>"here"</b> \u202e'
WITHOUT_LOG_IN = {"/account/display/", "/logout/", "/admin/logout/"}
FORMS = {
    *("/account/tokens/", "/exports/", "/portfolios/public/imports/", "/portfolios/public/settings/"),
    *("/portfolios/public/sharing/", "/admin/auth/group/add/", "/admin/execution/patterndraft/add/"),
    *("/admin/auth/user/", "/admin/pricing/security/"),
}
"""Addresses of forms that a walk which missed them would not have been one."""

pytestmark = pytest.mark.usefixtures("read_once")


def post_forms(client, start):
    """Each form of each kind of page, once for each address and set of fields."""
    seen = set()
    for _, _, page in walk(client, start):
        for form in page.forms:
            path = urlsplit(form.action).path
            key = (re.sub(r"[0-9a-f-]{8,}|\d+", "", path), frozenset(each.name for each in form.fields))
            if form.method == "post" and path not in WITHOUT_LOG_IN and key not in seen:
                seen.add(key)
                yield form


def lost(form, client):
    """What is not on the page that the log-in leads to, after the form was sent without a session."""
    sent = form.filled(TYPED)
    answer = Client().post(form.action, sent)
    assert answer.status_code == 302, form.action
    place = urlsplit(answer["Location"])
    assert place.path in ("/login/", "/admin/login/"), form.action
    (after,) = parse_qs(place.query)["next"]
    typed = [
        (name, value)
        for name, values in sent.items()
        if name not in unsent_forms.OF_THE_FORM and not any(word in name for word in unsent_forms.SECRET)
        for value in (values if isinstance(values, list) else [values])
    ]
    if not typed and after == form.action:
        return []  # a code alone, which is stored nowhere
    page = PageReader(client.get(after).content.decode(), after)
    again = [{(field.name, field.value) for field in each.fields} for each in page.forms if each.action == form.action]
    return [each for each in typed if each not in again[0]] if again else [("no form", after)]


def test_no_form_loses_what_was_typed_where_the_session_has_ended(private_demo):
    staging.grant(private_demo, "other", private_demo.public_id)
    get_user_model().objects.create_superuser("root", password=None)
    client, root = private_demo.client("owner"), private_demo.client("root")
    client.post("/account/tokens/", {"name": "spreadsheet", "scopes": "read", "days": "30"})
    client.post("/portfolios/public/imports/", {"confirm": button(upload(client, GOOD), "confirm")})

    reached, found = set(), []
    for user, start in ((client, "/"), (root, "/admin/")):
        for form in post_forms(user, start):
            reached.add(urlsplit(form.action).path)
            found += [(form.action, *each) for each in lost(form, user)]

    assert reached >= FORMS
    assert found == []


def test_what_waits_is_sent_by_one_button_and_changes_what_it_would_have_changed(private_demo):
    client = private_demo.client("owner")
    form = settings_form(client)
    after = send_without_session(form, name="Ours, renamed")

    page = client.get(after)
    (again,) = [each for each in PageReader(page.content.decode(), after).forms if each.action == SETTINGS]
    answer = client.post(again.action, again.filled())

    assert "Nothing has been changed" in page.content.decode()
    assert "Ours, renamed" in page.content.decode()
    assert answer["Location"].startswith(f"{SETTINGS}?changed=name")


def test_what_was_typed_waits_for_nobody_else(private_demo):
    after = send_without_session(settings_form(private_demo.client("owner")), name="Ours, renamed")

    other = private_demo.client("other").get(after)

    assert other.status_code == 404
    assert "renamed" not in other.content.decode()
    assert Client().get(after)["Location"] == f"/login/?next={after}"


@pytest.mark.parametrize("owner", ["", "1", "1:guessed", None])
def test_a_form_that_is_nobodys_keeps_nothing(private_demo, owner):
    fields = {"name": "x"} if owner is None else {"name": "x", form_owner.FIELD: owner}

    answer = Client().post(SETTINGS, fields)

    assert answer["Location"] == f"/login/?next={SETTINGS}"


def test_a_password_and_a_code_are_stored_nowhere(private_demo):
    page = PageReader(private_demo.client("owner").get("/account/second-factor/").content.decode(), "/")
    form = next(each for each in page.forms if "code" in {field.name for field in each.fields})

    answer = Client().post("/account/second-factor/", form.filled() | {"code": "123456"})

    assert answer["Location"] == "/login/?next=/account/second-factor/"


def test_so_many_forms_wait_for_a_user_and_the_oldest_goes(private_demo):
    client = private_demo.client("owner")
    form = settings_form(client)
    waiting = [send_without_session(form, name=f"name {number}") for number in range(unsent_forms.MOST_FORMS + 1)]

    assert client.get(waiting[0]).status_code == 404
    assert "name 1" in client.get(waiting[1]).content.decode()


def test_a_form_without_a_csrf_token_of_its_session_waits_for_its_own_user_alone(private_demo):
    sent = settings_form(private_demo.client("owner")).filled() | {"name": "Ours, renamed"}
    browsers = {}
    for name in ("owner", "other"):
        browsers[name] = Client(enforce_csrf_checks=True)
        browsers[name].force_login(private_demo.user(name))

    own = browsers["owner"].post(SETTINGS, sent)

    assert own.status_code == 302
    assert "Ours, renamed" in browsers["owner"].get(own["Location"]).content.decode()
    assert browsers["other"].post(SETTINGS, sent).status_code == 403
    assert Client(enforce_csrf_checks=True).post(SETTINGS, sent).status_code == 403
    assert browsers["owner"].post(SETTINGS, {"name": "x"}).status_code == 403
    with private_demo.role("job"):
        assert not Portfolio.objects.filter(name="Ours, renamed").exists()


def settings_form(client):
    page = PageReader(client.get(SETTINGS).content.decode(), SETTINGS)
    return next(each for each in page.forms if each.action == SETTINGS)


def send_without_session(form, **typed):
    answer = Client().post(form.action, form.filled() | typed)
    return html.unescape(parse_qs(urlsplit(answer["Location"]).query)["next"][0])
