"""Personal tokens: nobody has one from the database, each user sees his own, and what is over stays over."""

import json
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db import DatabaseError, IntegrityError, transaction

from config import scope
from config.log_in import personal_tokens
from config.models import PersonalToken, TokenScope

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.fixture
def anna(empty):
    return get_user_model().objects.create_user("anna")


@pytest.fixture
def ben(empty):
    return get_user_model().objects.create_user("ben")


def issue(user, *, scopes=(TokenScope.READ,), days=7, name="a program", now=NOW):
    with scope.acting_as(user):
        return personal_tokens.issue(user, name=name, scopes=scopes, days=days, now=now)


def row(empty, **which):
    with empty.role("job"):
        return PersonalToken.objects.get(**which)


def test_a_token_is_found_by_its_text_and_the_text_is_nowhere(empty, anna):
    token, text = issue(anna)

    found = personal_tokens.find(text, NOW)

    assert (found.pk, found.user) == (token.pk, anna)
    with empty.role("job"):
        stored = str(PersonalToken.objects.values_list().get())
    assert text not in stored
    assert text[len(token.prefix) :] not in stored
    assert text.startswith(token.prefix)


@pytest.mark.parametrize(
    "spoil", [lambda text: text[:-1], lambda text: text + "x", lambda text: text[:-1] + "!", str.upper]
)
def test_another_text_finds_nothing(anna, spoil):
    _, text = issue(anna)

    assert personal_tokens.find(spoil(text), NOW) is None


def test_the_secret_of_one_user_is_none_of_another(anna, ben):
    _, text = issue(anna)

    assert personal_tokens.find(text.replace(f"_{anna.pk}_", f"_{ben.pk}_"), NOW) is None
    assert personal_tokens.find(text.replace(f"_{anna.pk}_", "_999999999_"), NOW) is None


def test_it_ends_with_its_time_with_its_revocation_and_with_its_user(anna):
    (_, expiring), (revoked, revoked_text), (_, text) = issue(anna, days=7), issue(anna, days=30), issue(anna, days=30)
    with scope.acting_as(anna):
        assert personal_tokens.revoke(anna, revoked.pk)
        assert not personal_tokens.revoke(anna, revoked.pk)

    last, after = NOW + timedelta(days=7, seconds=-1), NOW + timedelta(days=7)
    assert [personal_tokens.find(expiring, at) is not None for at in (last, after)] == [True, False]
    assert personal_tokens.find(revoked_text, NOW) is None
    assert personal_tokens.find(text, after) is not None
    get_user_model().objects.filter(pk=anna.pk).update(is_active=False)
    assert personal_tokens.find(text, after) is None


def test_the_last_use_is_known_to_the_minute(empty, anna):
    token, text = issue(anna)

    used = []
    for seconds in (0, 59, 60):
        personal_tokens.find(text, NOW + timedelta(seconds=seconds))
        used.append(row(empty, pk=token.pk).last_used_at)

    assert used == [NOW, NOW, NOW + timedelta(seconds=60)]


def test_a_user_sees_and_ends_no_token_of_another(anna, ben):
    token, _ = issue(anna)

    with scope.acting_as(ben), transaction.atomic():
        assert not PersonalToken.objects.exists()
        assert not personal_tokens.revoke(anna, token.pk)
    with transaction.atomic():
        assert not PersonalToken.objects.exists()
    with pytest.raises(DatabaseError, match="row-level security"), scope.acting_as(ben), transaction.atomic():
        personal_tokens.issue(anna, name="ben's", scopes=[TokenScope.READ], days=7, now=NOW)


def test_a_user_has_so_many_and_one_more_once_one_is_over(anna, monkeypatch):
    monkeypatch.setattr(personal_tokens, "MOST_USABLE", 2)
    tokens = [issue(anna)[0] for _ in range(2)]
    with pytest.raises(personal_tokens.TooManyTokens):
        issue(anna)

    with scope.acting_as(anna):
        personal_tokens.revoke(anna, tokens[0].pk)

    assert issue(anna)


@pytest.mark.parametrize(
    "change",
    [
        {"scopes": ["read", "execute"]},
        {"expires_at": NOW + timedelta(days=99)},
        {"digest": "0" * 64},
        {"user_id": 999},
        {"revoked_at": None},
        {"last_used_at": NOW},
    ],
    ids=str,
)
def test_a_revoked_token_changes_no_more(empty, anna, change):
    token, _ = issue(anna)
    with scope.acting_as(anna):
        personal_tokens.revoke(anna, token.pk)

    with empty.role("job"), pytest.raises(IntegrityError, match="is evidence"):
        PersonalToken.objects.filter(pk=token.pk).update(**change)


@pytest.mark.parametrize("change", [{"scopes": ["read", "execute"]}, {"expires_at": NOW + timedelta(days=99)}], ids=str)
def test_an_open_token_becomes_no_other(empty, anna, change):
    token, _ = issue(anna)

    with empty.role("job"), pytest.raises(IntegrityError, match="is evidence"):
        PersonalToken.objects.filter(pk=token.pk).update(**change)


def test_no_role_removes_a_token(empty, anna):
    issue(anna)

    for role in ("app", "job"):
        with empty.role(role), pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            PersonalToken.objects.filter(name="a program").delete()


@pytest.mark.parametrize(
    "wrong",
    [{"scopes": []}, {"scopes": ["admin"]}, {"digest": "x"}, {"name": ""}, {"expires_at": NOW - timedelta(days=1)}],
    ids=str,
)
def test_the_database_refuses_what_is_no_token(empty, anna, wrong):
    right = {"user": anna, "name": "n", "prefix": "p", "digest": "0" * 64, "scopes": ["read"], "created_at": NOW,
             "expires_at": NOW + timedelta(days=1)}  # fmt: skip

    with empty.role("job"), pytest.raises(IntegrityError), transaction.atomic():
        PersonalToken.objects.create(**right | wrong)


def run(empty, *words):
    out = StringIO()
    with empty.role("job"):
        call_command("token", *words, stdout=out)
    return out.getvalue()


def test_the_command_issues_lists_and_revokes(empty, anna):
    text = run(empty, "issue", "anna", "--name", "night", "--scope", "read", "export", "--days", "30").strip()
    issued = personal_tokens.find(text, datetime.now(UTC))

    listed = json.loads(run(empty, "list", "anna", "--json"))
    lines = run(empty, "list", "anna")
    revoked = [run(empty, "revoke", "anna", issued.prefix).strip() for _ in range(2)]

    assert (issued.scopes, issued.name) == (["read", "export"], "night")
    assert [(each["prefix"], each["scopes"]) for each in listed] == [(issued.prefix, ["read", "export"])]
    assert text not in lines
    assert "night" in lines
    assert revoked == [f"{issued.prefix} is revoked", f"{issued.prefix} was revoked before"]
    assert personal_tokens.find(text, datetime.now(UTC)) is None


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("list", "nobody"), "there is no user nobody"),
        (("issue", "anna"), "say what it is for"),
        (("revoke", "anna"), "has no token that begins with nothing"),
        (("revoke", "anna", "tieout_1_x"), "has no token that begins with tieout_1_x"),
        (("issue", "anna", "--name", "n", "--scope", "admin"), "invalid choice"),
        (("issue", "anna", "--name", "n", "--scope", "read", "--days", "367"), "invalid choice"),
    ],
)
def test_the_command_says_what_is_wrong(empty, anna, words, why):
    with pytest.raises(CommandError, match=why):
        run(empty, *words)
