"""No name holds a sign that nobody sees: neither a form nor the database takes one, in whichever column a name stands."""

import re
import unicodedata
from itertools import chain
from pathlib import Path

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, models

from compliance import registry
from config import env, plain_text
from config.fields import NameField
from config.guards import show_hidden
from portfolio.models import Portfolio
from tests.sources import python_files

TEMPLATES = Path(__file__).resolve().parents[1] / "templates"
HIDDEN = re.compile(f"[{plain_text.HIDDEN}]")
SIGNS = ["\u202e", "\u200f", "\u2067", "\u200b", "\u200d", "\ufeff", "\u00ad", "\u2028", "\x07", "\x9b", "\U000e0041"]
OF_PEOPLE = {"name", "title", "symbol", "tier", "slug", "username", "first_name", "last_name", "label"}
"""What a column of a name is called."""
OTHERWISE = {
    "portfolio.Portfolio.slug": "small letters, digits and -",
    "portfolio.EconomicPhase.name": "a code of ours",
    "execution.JobRun.name": "a code of ours",
    "auth.Permission.name": "made by migrations",
    "auth.Group.name": "a superuser's",
    "auth.User.username": "Django's own validator: letters, digits and @.+-_",
    "auth.User.first_name": "stands on no page",
    "auth.User.last_name": "stands on no page",
    "otp_totp.TOTPDevice.name": "a code of ours",
    "otp_static.StaticDevice.name": "a code of ours",
    "django_celery_beat.PeriodicTask.name": "read-only in the admin",
}
COLUMNS = [
    field
    for model in apps.get_models()
    for field in model._meta.concrete_fields
    if isinstance(field, models.CharField | models.TextField) and field.name in OF_PEOPLE
]
NAMES = [field for field in COLUMNS if isinstance(field, NameField)]
ARABIC_AND_EGYPTIAN = {
    *range(0x600, 0x606),
    0x6DD,
    0x70F,
    0x890,
    0x891,
    0x8E2,
    0x110BD,
    0x110CD,
    *range(0x13430, 0x13439),
}
"""Format characters that are seen: they stand over or around digits and hieroglyphs."""


def label(field):
    return f"{field.model._meta.label}.{field.name}"


def test_every_column_of_a_name_is_one_or_says_why_it_needs_not_be():
    assert {label(field) for field in COLUMNS if field not in NAMES} == OTHERWISE.keys()


def test_all_that_unicode_calls_control_or_format_is_hidden():
    visible = {
        code
        for code in chain(range(1, 0xD800), range(0xE000, 0x110000))
        if unicodedata.category(chr(code)) in ("Cc", "Cf", "Zl", "Zp") and not HIDDEN.match(chr(code))
    }

    assert visible == ARABIC_AND_EGYPTIAN


def test_letters_accents_and_emoji_are_no_hidden_signs():
    assert [
        name
        for name in ("Épargne", "חיסכון", "貯蓄", "توفير", "Retirement ❤️", "S&P 500", "e\u0301")
        if HIDDEN.search(name)
    ] == []


def test_python_and_postgresql_read_the_class_alike(empty):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT array_agg(code) FROM generate_series(1, 1114111) AS code"
            f" WHERE code NOT BETWEEN 55296 AND 57343 AND chr(code) ~ '[{plain_text.HIDDEN}]'"
        )
        (codes,) = cursor.fetchone()

    codes_of_python = (code for code in range(1, 0x110000) if not 0xD800 <= code < 0xE000)
    assert codes == [code for code in codes_of_python if HIDDEN.match(chr(code))]


def test_the_marks_of_direction_are_listed_in_one_place():
    listing = re.compile(r"\\u20(2a|66)-", re.IGNORECASE)

    assert {
        path.as_posix()
        for path in (file.relative_to(env.PROJECT) for file in python_files())
        if not {"tests", "migrations"} & set(path.parts) and listing.search((env.PROJECT / path).read_text())
    } == {"config/plain_text.py"}


@pytest.mark.parametrize("field", NAMES, ids=label)
@pytest.mark.parametrize("sign", SIGNS, ids=ascii)
def test_a_form_refuses_the_sign_by_its_name(field, sign):
    with pytest.raises(ValidationError, match=f"a sign that nobody sees, U\\+{ord(sign):04X} "):
        field.clean(f"a{sign}b", None)


def test_the_database_refuses_each_sign_in_each_column(empty):
    """By the check of the column itself, asked of a row that stands in no table."""
    taken = []
    for field in NAMES:
        table, column = field.model._meta.db_table, field.column
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_get_expr(conbin, conrelid) FROM pg_constraint JOIN pg_attribute ON attrelid = conrelid"
                " WHERE contype = 'c' AND conrelid = %s::regclass AND attname = %s AND conkey = ARRAY[attnum]",
                [table, column],
            )
            checks = " AND ".join(f"({expression})" for (expression,) in cursor.fetchall()) or "true"
            for sign in SIGNS:
                cursor.execute(f'SELECT {checks} FROM (SELECT %s::varchar AS "{column}") AS row', [f"a{sign}b"])
                if cursor.fetchone()[0]:
                    taken.append((label(field), ascii(sign)))
            cursor.execute(f'SELECT {checks} FROM (SELECT %s::varchar AS "{column}") AS row', ["חיסכון 2"])
            assert cursor.fetchone()[0], label(field)

    assert taken == []


def test_a_name_that_is_there_already_shows_the_sign_when_the_check_comes(private_demo):
    """The update of the migrations, and that the wall of the table stands again after it."""
    with private_demo.role("owner"), connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname FROM pg_constraint WHERE conrelid = 'portfolio_portfolio'::regclass AND conname LIKE '%visible'"
        )
        ((check,),) = cursor.fetchall()
        cursor.execute(f'ALTER TABLE portfolio_portfolio DROP CONSTRAINT "{check}", NO FORCE ROW LEVEL SECURITY')
        cursor.execute("UPDATE portfolio_portfolio SET name = 'Pub' || chr(8238) || 'lic' WHERE slug = 'public'")

        cursor.execute(show_hidden("portfolio_portfolio", "name", is_forced=True).sql)

        cursor.execute("SELECT relforcerowsecurity FROM pg_class WHERE relname = 'portfolio_portfolio'")
        assert cursor.fetchone() == (True,)
    with private_demo.role("job"):
        assert Portfolio.objects.get(slug="public").name == "Pub\ufffdlic"


def test_the_rights_of_a_file_are_refused_at_the_line_of_the_sign(tmp_path):
    file = tmp_path / "rights.yaml"
    file.write_text('sources:\n  one:\n    name: "A\u202eB"\n    uses: {}\n', encoding="utf-8")

    with pytest.raises(registry.MalformedRegistry, match=r"line 3: it holds a sign that nobody sees, U\+202E"):
        registry.read(file)


def test_a_token_of_such_a_name_is_refused_at_the_command_and_at_the_page(demo):
    with pytest.raises(CommandError, match="U\\+200B ZERO WIDTH SPACE"):
        call_command("token", "issue", demo.user("owner").username, "--name", "a\u200bb", "--scope", "read")
    page = demo.client("owner").post("/account/tokens/", {"name": "a\u202eb", "scopes": ["read"], "days": "7"})
    assert page.status_code == 400
    assert "U+202E RIGHT-TO-LEFT OVERRIDE" in page.content.decode()


def test_a_name_on_a_page_is_isolated_from_the_text_around_it():
    """In titles of windows and in attributes there is nothing around it that it could turn."""
    name = re.compile(r"\{\{ (?:row\.|navigation\.)?(?:portfolio\.name|user\.get_username|each\.name) \}\}")
    apart = re.compile(r"<bdi>\{\{[^}]*\}\}</bdi>|\{% block title %\}.*?\{% endblock %\}|\"[^\"]*\"")
    pages = [page for page in TEMPLATES.rglob("*.html") if "admin" not in page.parts]

    assert [page.name for page in pages if "<bdi>{{ portfolio.name }}</bdi>" in page.read_text()]
    assert {page.name for page in pages if name.search(apart.sub("", page.read_text()))} == set()
