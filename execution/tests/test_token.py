"""POST /v1/token: a credential for a user name and a password."""

import json

import pytest
from django.test import Client

from execution.tests import staging
from tests.plugin import PASSWORD


def log_in(username="owner", password=PASSWORD, body=None, **headers):
    text = body if body is not None else json.dumps({"username": username, "password": password})
    return Client().post("/v1/token", text, content_type="application/json", headers=headers)


def ask(token):
    return Client().post(
        "/v1/execute",
        json.dumps({"pattern_id": "portfolio_overview"}),
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}"},
    )


def test_name_and_password_give_a_token_that_asks_for_its_user(demo):
    token = log_in().json()["access"]

    answer = ask(token)

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/inputs/portfolio_id")


def test_the_refresh_token_gives_another_and_is_none_itself(demo):
    given = log_in().json()

    again = Client().post(
        "/v1/token/refresh", json.dumps({"refresh": given["refresh"]}), content_type="application/json"
    )

    assert ask(again.json()["access"]).status_code == 400
    assert ask(given["refresh"]).status_code == 401


@pytest.mark.parametrize(("username", "password"), [("owner", "wrong"), ("nobody", PASSWORD)])
def test_a_wrong_password_and_an_unknown_name_are_one_answer(demo, username, password):
    answer = log_in(username, password)

    body = answer.json()
    assert (answer.status_code, body["type"]) == (401, "unauthenticated")
    assert body["detail"] == "No active account found with the given credentials"


def test_the_eleventh_try_of_a_minute_is_refused_with_the_time_to_wait(demo):
    tries = [log_in(password="wrong") for _ in range(10)]

    answer = log_in()

    assert {each.status_code for each in tries} == {401}
    assert (answer.status_code, answer.json()["type"]) == (429, "throttled")
    assert 0 < int(answer["Retry-After"]) <= 60


def test_claiming_another_address_gives_no_more_tries(demo):
    for number in range(10):
        log_in(f"nobody{number}", **{"X-Forwarded-For": f"10.0.0.{number}"})

    assert log_in(**{"X-Forwarded-For": "10.0.1.1"}).status_code == 429


def test_behind_our_proxy_each_address_has_its_own_tries(demo, settings):
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    for number in range(10):
        log_in(f"nobody{number}", **{"X-Forwarded-For": f"192.0.2.{number}, 10.0.0.1"})

    same, other = (log_in(**{"X-Forwarded-For": f"192.0.2.99, {address}"}) for address in ("10.0.0.1", "10.0.0.2"))

    assert (same.status_code, other.status_code) == (429, 200)


def send(path, given):
    body = json.dumps({"refresh": given["refresh"]})
    return Client().post(path, body, content_type="application/json").status_code


def renew(given):
    return send("/v1/token/refresh", given)


def test_a_new_password_ends_the_tokens_given_before_also_where_they_would_be_renewed(private_demo):
    given = log_in().json()
    staging.by_force(private_demo, "UPDATE auth_user SET password = 'argon2$x' WHERE username = 'owner'")

    assert (ask(given["access"]).status_code, renew(given)) == (401, 401)


@pytest.mark.parametrize("door", ["/logout/", "/admin/logout/"])
def test_a_log_out_ends_the_refresh_tokens_of_the_user_and_of_nobody_else(private_demo, door):
    given, of_other = log_in().json(), log_in("other").json()
    client = private_demo.client("owner")
    if door == "/admin/logout/":
        client = private_demo.client("staff")
        secret = private_demo.code_of("staff")
        given = log_in(body=json.dumps({"username": "staff", "password": PASSWORD, "otp": secret})).json()

    client.post(door)

    assert (renew(given), renew(of_other)) == (401, 200)
    anew = log_in().json()
    assert renew(anew) == 200


def test_a_revoked_refresh_token_renews_nothing_and_can_not_be_revoked_again(private_demo):
    given = log_in().json()

    assert send("/v1/token/revoke", given) == 204
    assert renew(given) == 401
    assert send("/v1/token/revoke", given) == 401
    assert renew(log_in().json()) == 200


def test_an_access_token_revokes_nothing(demo):
    given = log_in().json()

    assert send("/v1/token/revoke", {"refresh": given["access"]}) == 401
    assert renew(given) == 200


def test_guessed_refresh_tokens_are_tries_too(demo):
    given = log_in().json()

    guessed = [renew({"refresh": f"guess{number}"}) for number in range(10)]

    assert guessed == [401] * 10
    assert renew(given) == 429


def test_staff_get_no_token_by_a_password_alone(private_demo):
    without = log_in("staff")
    code = private_demo.code_of("staff")
    alone = log_in("staff")
    wrong = log_in(body=json.dumps({"username": "staff", "password": PASSWORD, "otp": "000000"}))
    both = log_in(body=json.dumps({"username": "staff", "password": PASSWORD, "otp": code}))
    again = log_in(body=json.dumps({"username": "staff", "password": PASSWORD, "otp": code}))

    assert [each.status_code for each in (without, alone, wrong, both, again)] == [401, 401, 401, 200, 401]
    assert len({each.json()["detail"] for each in (without, alone, wrong, again)}) == 1


def test_an_owner_who_has_set_up_a_second_factor_needs_it_for_a_token(private_demo):
    code = private_demo.code_of("owner")

    assert log_in().status_code == 401
    assert log_in(body=json.dumps({"username": "owner", "password": PASSWORD, "otp": code})).status_code == 200


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ("{}", "/username"),
        ('{"username": "a\\u0000", "password": "b"}', "/username"),
        ('{"username": "owner", "username": "other", "password": "b"}', "/username"),
        ("[]", ""),
        ("{", ""),
    ],
)
def test_what_is_no_log_in_is_refused_with_the_place(demo, body, pointer):
    answer = log_in(body=body)

    assert (answer.status_code, answer.json()["type"]) == (400, "invalid-request")
    assert pointer in {each["pointer"] for each in answer.json()["errors"]}
    assert "ErrorDetail" not in answer.content.decode()


def test_a_body_over_the_limit_is_not_read_on(demo):
    answer = log_in(body=json.dumps({"username": "x" * 2 * 1024 * 1024, "password": "x"}))

    assert (answer.status_code, answer.json()["type"]) == (413, "too-large")
