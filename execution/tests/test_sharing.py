"""An owner gives access to a portfolio for a time and takes it back; staff open one for a reason, and the owner sees that."""

import json
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import ProgrammingError, transaction
from django.urls import reverse
from django.utils import timezone

from config import scope
from execution.tests import staging
from portfolio import access
from portfolio.models import Portfolio, PortfolioAccess

PAGE = "/portfolios/public/sharing/"


def api(world, username, method, path="", body=None):
    address = f"/v1/portfolios/{world.public_id}/access{path}"
    return world.client(username).generic(
        method, address, b"" if body is None else json.dumps(body), content_type="application/json"
    )


def sees(world, username):
    return world.ask(username).status_code == 200


def test_a_viewer_sees_what_the_owner_sees_until_it_is_taken_back(private_demo):
    owner = private_demo.client("owner")
    assert not sees(private_demo, "other")

    given = owner.post(PAGE, {"username": "other", "role": "viewer", "until": ""})
    shown = owner.get(PAGE).content.decode()
    before = (
        sees(private_demo, "other"),
        private_demo.client("other").get("/portfolios/public/portfolio_overview/").status_code,
    )
    row = access_row(private_demo)
    owner.post(PAGE, {"take_back": row.pk})

    assert given.status_code == 302
    assert '<th scope="row">other</th><td>looks</td>' in shown
    assert before == (True, 200)
    assert not sees(private_demo, "other")
    assert "Nobody but you." in owner.get(PAGE).content.decode()


def access_row(world):
    with world.role("job"):
        return PortfolioAccess.objects.get(portfolio=world.public_id)


def test_access_ends_by_itself(private_demo):
    tomorrow = timezone.now() + timedelta(days=1)
    answer = api(
        private_demo, "owner", "POST", body={"username": "other", "role": "viewer", "until": tomorrow.isoformat()}
    )
    assert (answer.status_code, answer.json()["is_open"]) == (201, True)
    assert sees(private_demo, "other")

    staging.by_force(private_demo, "UPDATE portfolio_portfolioaccess SET until = now() - interval '1 second'")

    assert not sees(private_demo, "other")
    assert api(private_demo, "owner", "GET").json()["access"][0]["is_open"] is False


def test_the_api_gives_changes_lists_and_takes_back(private_demo):
    given = api(private_demo, "owner", "POST", body={"username": "other", "role": "viewer"}).json()
    changed = api(private_demo, "owner", "POST", body={"username": "other", "role": "adviser"}).json()
    listed = api(private_demo, "owner", "GET").json()["access"]
    taken = [api(private_demo, "owner", "DELETE", f"/{given['id']}") for _ in range(2)]

    assert (changed["id"], [each["role"] for each in listed]) == (given["id"], ["adviser"])
    assert [each.status_code for each in taken] == [204, 404]
    assert taken[1].json()["type"] == "access-not-found"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"username": "nobody"}, "/username"),
        ({"username": "owner"}, "/username"),
        ({"role": "staff"}, "/role"),
        ({"until": "2001-01-01T00:00:00Z"}, "/until"),
        ({"until": "soon"}, "/until"),
        ({"for": 5}, "/for"),
    ],
)
def test_what_can_not_be_given_is_told_by_field(private_demo, change, pointer):
    answer = api(private_demo, "owner", "POST", body={"username": "other", "role": "viewer"} | change)

    assert (answer.status_code, [each["pointer"] for each in answer.json()["errors"]]) == (400, [pointer])


def test_the_page_tells_what_can_not_be_given(private_demo):
    owner = private_demo.client("owner")

    for form, words in (
        ({"username": "nobody", "role": "viewer"}, "no user of that name"),
        ({"username": "other", "role": "viewer", "until": "2001-01-01"}, "is over already"),
        ({"username": "other", "role": "viewer", "until": "31.12."}, "is no date"),
        ({"username": "other", "role": "owner"}, "is one of viewer, adviser"),
    ):
        refused = owner.post(PAGE, form)
        assert (refused.status_code, words in refused.content.decode()) == (400, True)


def test_nobody_but_the_owner_knows_who_sees_it_or_gives_it_on(private_demo):
    for username in ("other", "staff"):
        staging.grant(private_demo, username, private_demo.public_id)
    row = access_of(private_demo, "staff")

    for username in ("other", "staff", "viewer"):
        client = private_demo.client(username)
        assert client.get(PAGE).status_code == 404
        assert client.post(PAGE, {"username": "viewer", "role": "viewer"}).status_code == 404
        assert api(private_demo, username, "GET").status_code == 404
        assert api(private_demo, username, "POST", body={"username": "viewer", "role": "viewer"}).status_code == 404
        assert api(private_demo, username, "DELETE", f"/{row}").status_code == 404
    assert access_of(private_demo, "staff") == row


def access_of(world, username):
    with world.role("job"):
        return PortfolioAccess.objects.values_list("pk", flat=True).get(user__username=username)


def test_the_database_lets_only_the_owner_give_and_nobody_give_as_staff(private_demo):
    staging.grant(private_demo, "other", private_demo.public_id)
    viewer, now = private_demo.user("viewer"), timezone.now()
    public = private_demo.public_id

    def create(asking, **row):
        with scope.acting_as(private_demo.user(asking)), transaction.atomic():
            PortfolioAccess.objects.create(portfolio_id=public, **{"user": viewer, **row})

    for asking, row in (
        ("other", {"granted_by": private_demo.user("other")}),
        ("viewer", {"granted_by": viewer}),
        ("owner", {"granted_by": private_demo.user("other")}),
        ("owner", {"granted_by": private_demo.user("owner"), "role": "staff", "until": now, "reason": "x"}),
    ):
        with pytest.raises(ProgrammingError, match="row-level security"):
            create(asking, **row)
    with (
        scope.acting_as(private_demo.user("other")),
        pytest.raises(ProgrammingError, match="row-level security"),
        transaction.atomic(),
    ):
        PortfolioAccess.objects.update(until=None, role="viewer")
    create("owner", granted_by=private_demo.user("owner"))
    with scope.acting_as(viewer), transaction.atomic():
        assert PortfolioAccess.objects.count() == 1  # one's own alone


def test_a_viewer_takes_no_file_out_and_an_adviser_does(private_demo):
    def take(role):
        api(private_demo, "owner", "POST", body={"username": "other", "role": role})
        execution = private_demo.ask("other").json()["execution_id"]
        return private_demo.client("other").post(
            "/v1/exports", {"execution_id": execution, "format": "json"}, content_type="application/json"
        )

    refused, taken = take("viewer"), take("adviser")

    assert (refused.status_code, refused.json()["type"]) == (403, "forbidden")
    assert "as an adviser" in refused.json()["detail"]
    assert taken.status_code == 201


@pytest.fixture
def support(private_demo):
    user = get_user_model().objects.create_user("sue", password=None, is_staff=True)
    user.groups.add(Group.objects.get(name="support"))
    return private_demo.client("sue")


ADD = "admin:portfolio_portfolioaccess_add"


def test_staff_open_a_portfolio_with_a_reason_and_the_owner_sees_that_and_ends_it(private_demo, support):
    assert not sees(private_demo, "sue")

    opened = support.post(reverse(ADD), {"slug": "public", "days": 2, "reason": "the owner called about a break"})
    owner = private_demo.client("owner")
    shown, log = owner.get(PAGE).content.decode(), owner.get("/portfolios/public/audit/").content.decode()

    assert opened.status_code == 302, opened.content.decode()
    assert sees(private_demo, "sue")
    assert "the owner called about a break" in shown
    assert '<th scope="row">sue</th><td>looks, of the staff, for a reason</td>' in shown
    assert "the owner called about a break" in log
    owner.post(PAGE, {"take_back": access_of(private_demo, "sue")})
    assert not sees(private_demo, "sue")


@pytest.mark.parametrize(
    "change", [{"reason": " "}, {"days": 31}, {"days": 0}, {"days": ""}, {"slug": "none"}, {"slug": "No slug"}]
)
def test_staff_open_nothing_without_a_reason_or_for_too_long(private_demo, support, change):
    answer = support.post(reverse(ADD), {"slug": "public", "days": 2, "reason": "a break"} | change)

    assert (answer.status_code, "errorlist" in answer.content.decode()) == (200, True)
    with private_demo.role("job"):
        assert not PortfolioAccess.objects.exists()


def test_staff_without_that_right_open_nothing(private_demo):
    client = private_demo.client("staff")

    assert client.post(reverse(ADD), {"slug": "public", "days": 2, "reason": "curious"}).status_code == 403
    for username in ("staff", "owner"):
        with (
            scope.acting_as(private_demo.user(username)),
            pytest.raises(ProgrammingError, match="may not open a portfolio"),
            transaction.atomic(),
        ):
            access.open_to_staff("public", until=timezone.now() + timedelta(days=1), reason="curious")


def test_what_the_owner_gave_is_not_narrowed_by_staff_that_open_it(private_demo, support):
    with scope.acting_as(private_demo.user("owner")), transaction.atomic():
        portfolio = Portfolio.objects.get(slug="public")
        access.give(portfolio, username="sue", role="adviser", until=None, by=private_demo.user("owner").pk)

    support.post(reverse(ADD), {"slug": "public", "days": 2, "reason": "a break"})

    assert access_row(private_demo).role == "adviser"


def test_access_names_the_owner_of_its_portfolio_whatever_is_said_and_goes_along(private_demo):
    with private_demo.role("job"):
        other = private_demo.user("other")
        row = PortfolioAccess.objects.create(
            portfolio_id=private_demo.public_id, user=private_demo.user("viewer"), owner=other
        )
        row.refresh_from_db()
        named = row.owner.username
        Portfolio.objects.filter(pk=private_demo.public_id).update(owner=other)
        row.refresh_from_db()

    assert (named, row.owner.username) == ("owner", "other")
