"""Log-in by page, admin and token: one limit, and a second factor."""

import json
import re

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.test import Client
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from compliance.models import AuditEntry
from tests.plugin import PASSWORD, code_of

SECOND_FACTOR = "/account/second-factor/"
DOORS = ("/login/", "/admin/login/", "/v1/token")


def log_in(door="/login/", username="owner", password=PASSWORD, client=None, address="192.0.2.1", **more):
    fields = {"username": username, "password": password, **more}
    how = {"content_type": "application/json"} if door == "/v1/token" else {}
    return (client or Client()).post(door, json.dumps(fields) if how else fields, REMOTE_ADDR=address, **how)


def was_refused(answer):
    """Whether it was a try that was wrong: the form again, or a problem document."""
    return answer.status_code == 401 or (answer.status_code == 200 and b"are wrong" in answer.content)


def set_up(client):
    """Scan the code and type what the app shows; the answer."""
    page = client.get(SECOND_FACTOR).content.decode()
    device = TOTPDevice.objects.get(confirmed=False)
    assert device.key.upper() not in page
    return client.post(SECOND_FACTOR, {"code": code_of(device)})


@pytest.mark.parametrize("last", DOORS)
@pytest.mark.parametrize("by", ["address", "account"])
def test_the_doors_share_one_count_by_address_and_by_account(demo, last, by):
    for number in range(10):
        where = {"username": f"nobody{number}"} if by == "address" else {"address": f"198.51.100.{number}"}
        assert was_refused(log_in(DOORS[number % 3], password="wrong", **where))

    answer = log_in(last)

    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= 60
    if last == "/v1/token":
        assert answer.json()["type"] == "throttled"
    else:
        assert "Too many requests" in answer.content.decode()
    if by == "address":
        assert log_in(last, address="203.0.113.1").status_code in (200, 302)
    else:
        assert log_in(last, "other", address="203.0.113.1").status_code in (200, 302)


def test_of_a_thousand_wrong_passwords_ten_are_tried(demo):
    answers = [log_in(DOORS[number % 3], password=f"wrong {number}") for number in range(1000)]

    assert sum(map(was_refused, answers)) == 10
    assert sum(answer.status_code == 429 for answer in answers) == 990


def test_a_right_password_is_asked_for_no_second_factor_where_the_user_has_none(demo):
    answer = log_in()

    assert (answer.status_code, answer["Location"]) == (302, "/")


def test_an_unknown_name_a_wrong_password_and_a_wrong_code_are_one_page(private_demo):
    private_demo.code_of("owner")

    pages = {
        log_in(username=name, password=word, otp=code).content.decode().split("<form")[0]
        for name, word, code in (("nobody", PASSWORD, ""), ("owner", "wrong", ""), ("owner", PASSWORD, "000000"))
    }

    assert len(pages) == 1


def test_an_unknown_and_a_known_user_cost_one_hash_each(demo, monkeypatch):
    from config.log_in.hashing import BoundedArgon2PasswordHasher as Hasher

    made = []
    for name in ("encode", "verify"):
        real = getattr(Hasher, name)
        monkeypatch.setattr(Hasher, name, lambda *args, real=real, name=name: made.append(name) or real(*args))

    log_in(username="nobody")
    log_in(password="wrong")

    assert len(made) == 2


@pytest.mark.parametrize("door", ["/login/", "/admin/login/"])
def test_staff_are_nobody_until_they_have_set_up_a_second_factor(private_demo, door):
    client = Client()
    first = client.post(f"{door}?next=/admin/", {"username": "staff", "password": PASSWORD, "next": "/admin/"})

    assert first["Location"] == f"{SECOND_FACTOR}?next=%2Fadmin%2F"
    assert client.get("/admin/")["Location"] == "/admin/login/?next=/admin/"
    assert client.get("/admin/login/?next=/admin/")["Location"] == f"{SECOND_FACTOR}?next=%2Fadmin%2F"
    assert client.get("/")["Location"] == "/login/?next=/"
    assert client.get("/v1/packs").status_code == 401
    before = client.session.session_key
    wrong = client.post(SECOND_FACTOR, {"code": "000000"})
    assert b"not the code of now" in wrong.content
    assert client.get("/v1/packs").status_code == 401

    page = set_up(client).content.decode()

    assert len(re.findall(r"<li><code>[a-z2-7]{8}</code></li>", page)) == 8
    assert client.session.session_key != before
    assert client.get("/admin/").status_code == client.get("/v1/packs").status_code == 200


def test_the_next_log_in_asks_for_the_code_or_for_a_recovery_code_and_takes_each_once(private_demo):
    client = Client()
    log_in(username="staff", client=client)
    codes = re.findall(r"<li><code>(\w+)</code></li>", set_up(client).content.decode())
    TOTPDevice.objects.update(last_t=-1)  # as if the code of the set-up were an earlier one
    code = code_of(TOTPDevice.objects.get())

    tries = [log_in(username="staff", otp=otp) for otp in ("", code, code, codes[0], codes[0], codes[1].upper())]

    assert [answer.status_code for answer in tries] == [200, 302, 200, 302, 200, 302]
    assert tries[1]["Location"] == "/"
    assert StaticToken.objects.count() == 6


def test_wrong_codes_are_tries_too(private_demo):
    code = private_demo.code_of("owner")

    answers = [log_in(otp=f"{number:06}").status_code for number in range(10)]

    assert answers == [200] * 10
    assert log_in(otp=code).status_code == 429


def test_an_owner_sets_up_a_second_factor_and_gives_it_up_by_a_code_alone(private_demo):
    client = Client()
    log_in(client=client)
    set_up(client)
    assert TOTPDevice.objects.get().confirmed

    wrong = client.post(SECOND_FACTOR, {"code": "000000"})
    assert b"This code is wrong" in wrong.content
    TOTPDevice.objects.update(last_t=-1)
    right = client.post(SECOND_FACTOR, {"code": code_of(TOTPDevice.objects.get())})

    assert right.status_code == 302
    assert not TOTPDevice.objects.exists()
    assert not StaticToken.objects.exists()
    assert log_in().status_code == 302


def test_staff_who_give_it_up_have_to_set_it_up_anew(private_demo):
    client = Client()
    log_in(username="staff", client=client)
    set_up(client)
    TOTPDevice.objects.update(last_t=-1)
    client.post(SECOND_FACTOR, {"code": code_of(TOTPDevice.objects.get())})

    assert client.get("/admin/").status_code == 302
    assert b"Scan this" in client.get(SECOND_FACTOR).content


def test_guesses_at_the_code_of_an_open_session_are_tries_too(private_demo):
    client = private_demo.client("owner")
    code = private_demo.code_of("owner")

    guessed = [client.post(SECOND_FACTOR, {"code": f"{number:06}"}).status_code for number in range(10)]
    answer = client.post(SECOND_FACTOR, {"code": code})

    assert guessed == [200] * 10
    assert answer.status_code == 429


def test_who_becomes_staff_is_nobody_in_sessions_without_a_second_factor(private_demo):
    client = private_demo.client("owner")
    assert client.get("/").status_code == 200
    get_user_model().objects.filter(username="owner").update(is_staff=True)

    assert client.get("/").status_code == 302
    assert client.get("/v1/packs").status_code == 401


def test_the_way_on_leads_to_no_other_site(private_demo):
    client = Client()
    log_in(username="staff", client=client)
    client.get(SECOND_FACTOR)
    code = code_of(TOTPDevice.objects.get())

    page = client.post(f"{SECOND_FACTOR}?next=https://elsewhere.example/", {"code": code}).content.decode()

    assert "elsewhere" not in page


def test_redis_away_lets_nobody_in(demo, settings, monkeypatch):
    from redis.exceptions import ConnectionError as Away

    from config.log_in import tries

    def away(*_, **__):
        raise Away("nobody listens")

    monkeypatch.setattr(tries, "count", away)

    assert [log_in(door).status_code for door in DOORS] == [503, 503, 503]


@pytest.fixture(autouse=True)
def _no_tries():
    yield
    cache.clear()


EVENTS = ("log-in", "log-in failed", "log-out", "token issued", "token renewed", "token revoked")


def events(world):
    """What the audit log has of log-ins: event, whose, by which door, from where."""
    with world.role("job"):
        rows = AuditEntry.objects.filter(action__in=EVENTS).order_by("id")
        return [(row.action, row.row_key, row.door, row.after["address"]) for row in rows]


def test_log_ins_failed_ones_and_log_outs_are_on_record_with_whose_and_from_where(private_demo):
    owner, client, before = str(private_demo.user("owner").pk), Client(), len(events(private_demo))

    for door in DOORS:
        log_in(door, password="wrong")
        log_in(door, username="nobody")
    log_in(client=client)
    client.post("/logout/", REMOTE_ADDR="192.0.2.1")

    tried = [("log-in failed", whose, door) for door in ("page", "admin", "api") for whose in (owner, "")]
    done = [("log-in", owner, "page"), ("log-out", owner, "page")]
    assert events(private_demo)[before:] == [(*each, "192.0.2.1") for each in tried + done]


def test_what_is_done_with_tokens_is_on_record(private_demo):
    owner, before = str(private_demo.user("owner").pk), len(events(private_demo))
    given = log_in("/v1/token").json()

    for path in ("/v1/token/refresh", "/v1/token/revoke", "/v1/token/refresh"):
        Client().post(path, {"refresh": given["refresh"]}, content_type="application/json", REMOTE_ADDR="192.0.2.1")

    done = [(f"token {what}", owner, "api", "192.0.2.1") for what in ("issued", "renewed", "revoked")]
    assert events(private_demo)[before:] == done


def test_tries_that_are_told_to_wait_leave_no_entries_and_nothing_that_was_typed_is_in_one(private_demo):
    before = len(events(private_demo))

    for number in range(30):
        log_in(DOORS[number % 3], username="a-password-in-the-wrong-field")

    assert len(events(private_demo)) - before == 10
    with private_demo.role("job"):
        assert not any("wrong-field" in str(row.__dict__) for row in AuditEntry.objects.all())


def test_another_secret_key_logs_everybody_out_and_breaks_nothing(demo, settings):
    client = demo.client("owner")
    assert client.get("/").status_code == 200

    settings.SECRET_KEY = "another key of fifty characters or more, which nobody else has"

    answer = client.get("/")
    assert (answer.status_code, answer["Location"]) == (302, "/login/?next=/")
    assert client.get(answer["Location"]).status_code == 200
