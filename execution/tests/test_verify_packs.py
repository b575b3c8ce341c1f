"""`manage.py verify_packs`: exit 0 where all is as sealed, 1 with the pack and the row where it is not; the night asks, too."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from pricing.tests import market_data
from tests.plugin import role

pytestmark = [pytest.mark.usefixtures("db"), pytest.mark.role("job")]


@pytest.fixture
def built(tmp_path, settings):
    settings.VAR = tmp_path / "var"
    return market_data.build(market_data.loaded(tmp_path))


def verified(**how):
    text = StringIO()
    call_command("verify_packs", stdout=text, **how)
    return text.getvalue()


def edit(statement, *values):
    with role("owner"), connection.cursor() as cursor:  # who alone can turn the triggers off
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE pricing_packprice DISABLE TRIGGER USER")
        cursor.execute(statement, values)


def test_what_is_as_sealed_is_counted_by_policy(built):
    assert verified() == "ECB_EUR: 6 sealed packs unchanged\n"
    assert json.loads(verified(json=True)) == [
        {"policy": "ECB_EUR", "packs": 6, "difference": None, "pack_id": None, "row": None}
    ]


def test_the_first_pack_and_row_that_differ_are_named_and_it_ends_with_one(built, capsys):
    edit("UPDATE pricing_packprice SET close = close + 1 WHERE content_id = %s", built[3].content_id)

    with pytest.raises(CommandError) as told:
        call_command("verify_packs", json=True)

    row = "price|ASH|2020-01-03|12|USD|wood|raw|||stale:2"
    assert told.value.returncode == 1
    assert str(told.value).startswith("pricing pack PP_2020-01-07_ECB_EUR_r1 is corrupt: content hash is ")
    assert str(told.value).endswith(f"; first row that differs: {row}")
    (document,) = json.loads(capsys.readouterr().out)
    assert (document["pack_id"], document["row"]) == ("PP_2020-01-07_ECB_EUR_r1", row)
