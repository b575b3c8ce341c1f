"""The environment: read in one place, listed in one file, refused by name."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from config import embedded, env
from tests.sources import nodes, python_files

OTHERS_READ = {
    *("CI", "DJANGO_SETTINGS_MODULE", "PATH", "PROMETHEUS_MULTIPROC_DIR", "PYTEST_XDIST_WORKER"),
    *("TIEOUT_TEST_VAR", "TIEOUT_TEST_SEED", "TIEOUT_WALK_DAYS", "TIEOUT_LEDGERS_SHRUNK", "TIEOUT_API_EXAMPLES"),
    *("TIEOUT_FILING_DATES", "TIEOUT_REPLAYS"),
}


def names_read() -> Iterator[str]:
    """First arguments of `env.…("NAME")` and `os.environ.get("NAME")`, and of `os.environ["NAME"]` where it is read."""
    yield from embedded.ADDRESS_OF_ROLE.values()
    for file in python_files():
        if "env" not in file.read_text():
            continue
        readers = {"flag", "path", "is_set"} if file.name == "env.py" else set()
        for node in nodes(file):
            match node:
                case ast.Call(func=ast.Name(verb), args=[ast.Constant(str(name)), *_]) if verb in readers:
                    yield name
                case ast.Call(
                    func=ast.Attribute(value=ast.Name("env") | ast.Attribute(attr="environ"), attr=verb),
                    args=[ast.Constant(str(name)), *_],
                ) if verb not in {"setdefault", "pop"}:
                    yield name
                case ast.Subscript(value=ast.Attribute(attr="environ"), slice=ast.Constant(str(name)), ctx=ast.Load()):
                    yield name


def test_env_example_lists_exactly_what_is_read() -> None:
    listed = re.findall(r"^(\w+)=", (env.PROJECT / ".env.example").read_text(), re.MULTILINE)
    by_compose = re.findall(r"\$\{(\w+)", (env.PROJECT / "docker-compose.yml").read_text())

    read = {*names_read(), *by_compose} - OTHERS_READ

    assert sorted(listed) == sorted(read)


def test_a_missing_variable_is_refused_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "")

    with pytest.raises(env.SettingInvalid, match=r"^SECRET_KEY is not set$"):
        env.required("SECRET_KEY")


@pytest.mark.parametrize("value", ["perhaps", "2", "-", "truth"])
def test_a_flag_that_is_neither_is_refused_and_not_repeated(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("DEBUG", value)

    with pytest.raises(env.SettingInvalid) as refused:
        env.flag("DEBUG", default=False)

    assert str(refused.value).startswith("DEBUG must be one of 1, 0,")


@pytest.mark.parametrize(("value", "problem"), [("1e3", "must be a whole number"), ("-1", "must be at least 0")])
def test_a_number_out_of_bounds_is_refused(monkeypatch: pytest.MonkeyPatch, value: str, problem: str) -> None:
    monkeypatch.setenv("PORT", value)

    with pytest.raises(env.SettingInvalid, match=f"^PORT {problem}$"):
        env.integer("PORT", default=8000)


def test_naming_a_database_turns_development_mode_off(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DEBUG", "DATABASE_URL", "TIEOUT_EMBEDDED"):
        monkeypatch.delenv(name, raising=False)
    without = env.development()

    monkeypatch.setenv("DATABASE_URL", "postgresql://app@db/tieout")

    assert (without, env.development()) == (True, False)


def test_a_list_is_parted_by_commas_and_has_no_empty_items(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOWED_HOSTS", " a.example, ,b.example,")

    assert env.items("ALLOWED_HOSTS") == ["a.example", "b.example"]


def test_a_relative_path_starts_at_the_project(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TIEOUT_VAR", "elsewhere/var")

    assert env.var() == env.PROJECT / "elsewhere" / "var"


PRODUCTION = {
    "DEBUG": "0",
    "ALLOWED_HOSTS": "tieout.example",
    "DATABASE_URL": "postgresql://app@localhost/tieout",
    "REDIS_URL": "redis://localhost",
    "SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP",
    "AUDIT_KEY": "KLMNOPabcdefghijklmnopqrstuvwxyzABCDEFGHIJ0123456789",
    "RESULT_KEY": "ABCDEFGHIJKLMNOP0123456789abcdefghijklmnopqrstuvwxyz",
}


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ({}, ""),
        ({"SECRET_KEY": ""}, "SECRET_KEY is not set"),
        ({"SECRET_KEY": "x" * 60}, "SECRET_KEY must be at least 50 random characters"),
        ({"SECRET_KEY": "0123456789abcdef"}, "SECRET_KEY must be at least 50 random characters"),
        (
            {"SECRET_KEY": "django-insecure-" + PRODUCTION["SECRET_KEY"]},
            "SECRET_KEY begins with django-insecure-: make one that nobody else has",
        ),
        ({"AUDIT_KEY": ""}, "AUDIT_KEY is not set"),
        ({"AUDIT_KEY": "0123456789abcdef"}, "AUDIT_KEY must be at least 50 random characters"),
        ({"RESULT_KEY": ""}, "RESULT_KEY is not set"),
        ({"RESULT_KEY": "0123456789abcdef"}, "RESULT_KEY must be at least 50 random characters"),
        ({"ALLOWED_HOSTS": ""}, "ALLOWED_HOSTS is not set: name the hosts that the site is reached by"),
        (
            {"ALLOWED_HOSTS": "tieout.example,*"},
            "ALLOWED_HOSTS must name the hosts that the site is reached by, * would be any",
        ),
        ({"MONITORING_TOKEN": "short"}, "MONITORING_TOKEN must be at least 16 random characters"),
    ],
)
def test_a_production_does_not_start_with_what_anybody_could_guess(changed: dict[str, str], line: str) -> None:
    settings = subprocess.run(
        [sys.executable, "-c", "import config.settings"],
        cwd=env.PROJECT,
        env=os.environ | PRODUCTION | changed,
        capture_output=True,
        text=True,
        check=False,
    )

    assert settings.stderr.strip().split("\n")[-1].removeprefix("config.env.SettingInvalid: ") == line
