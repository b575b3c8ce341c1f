"""A stranger with docs/api.md and a token of the account page gets an overview with two requests, as they stand there."""

import re
import shlex
from string import Template

from django.test import Client

from tests.plugin import PROJECT

SECTION = re.compile(r"## A portfolio's overview in two requests\n.*?```sh\n(.*?)```", re.DOTALL)


def commands():
    page = (PROJECT / "docs" / "api.md").read_text()
    return SECTION.search(page)[1].strip().splitlines()


def send(command, **known):
    """The request that curl would make."""
    words = iter(shlex.split(Template(command).substitute(host="", **known))[1:])
    headers, body, address = {}, None, ""
    for word in words:
        if word == "-H":
            name, _, value = next(words).partition(": ")
            headers[name] = value
        elif word == "-d":
            body = next(words)
        elif word != "-s":
            address = word
    if body is None:
        return Client().get(address, headers=headers)
    return Client().post(address, body, content_type=headers.pop("Content-Type"), headers=headers)


def test_the_two_requests_of_the_page_give_the_overview(private_demo):
    form = {"name": "a stranger's notebook", "scopes": ["read", "execute"], "days": "7"}
    made = private_demo.client("owner").post("/account/tokens/", form).content.decode()
    token = re.search(r"<code>(tieout_[^<]+)</code>", made)[1]
    first, second = commands()

    listed = send(first, token=token)
    overview = send(second, token=token, id=listed.json()["portfolios"][0]["id"])

    assert (listed.status_code, overview.status_code) == (200, 200), overview.content
    assert overview.json()["result"]["valued_positions"]["total_value"] == "756411.71"
