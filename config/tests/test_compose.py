"""docker-compose.yml: the five services, each watched where it can be, and no secret in the file."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from config import env

MAY_BE_ABSENT = {"MONITORING_TOKEN"}
"""Without it a door is open that it would close; compose starts."""
NO_SECRET = {"TOKEN_REQUESTS_PER_MINUTE"}
GIVEN = re.compile(r"\$\{[A-Z_]+:\?[^}]+\}")  # compose refuses to start without it


@pytest.fixture(scope="module")
def compose() -> Any:
    return yaml.safe_load((env.PROJECT / "docker-compose.yml").read_text())


def leaves(node: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Each text of the document with the key it stands under."""
    if isinstance(node, dict):
        for name, value in node.items():
            yield from leaves(value, name)
    elif isinstance(node, list):
        for value in node:
            yield from leaves(value, key)
    else:
        yield key, str(node)


def test_the_five_services_are_there_and_wait_for_what_they_need(compose) -> None:
    services = compose["services"]

    waits = {name: set(services[name].get("depends_on", {})) for name in ("web", "worker", "beat", "migrate")}

    assert {"web", "worker", "beat", "postgres", "redis"} <= set(services)
    assert all("healthcheck" in services[name] for name in ("web", "worker", "beat", "postgres", "redis"))
    assert waits == {name: {"migrate", "redis"} for name in ("web", "worker", "beat")} | {
        "migrate": {"postgres", "redis"}
    }


def test_every_container_is_confined(compose) -> None:
    lacking = [
        name
        for name, service in compose["services"].items()
        if service.get("cap_drop") != ["ALL"]
        or service.get("security_opt") != ["no-new-privileges:true"]
        or not service.get("mem_limit")
    ]

    assert lacking == []


def test_images_are_of_an_exact_version(compose) -> None:
    images = [service["image"] for service in compose["services"].values() if "build" not in service]
    images += re.findall("^FROM (.+)$", (env.PROJECT / "Dockerfile").read_text(), re.MULTILINE)

    assert len(images) == 7
    assert [image for image in images if not re.search(r":v?\d+\.\d+(\.\d+)?(-|$)", image)] == []


def test_every_volume_is_named(compose) -> None:
    used = {volume.split(":")[0] for service in compose["services"].values() for volume in service.get("volumes", [])}

    assert used == set(compose["volumes"])


def test_the_web_logs_in_as_app_and_the_jobs_as_job(compose) -> None:
    told = {name: compose["services"][name]["environment"] for name in ("web", "worker", "beat", "migrate")}

    assert {name: variables.get("TIEOUT_ROLE") for name, variables in told.items()} == {
        "web": "app", "worker": "job", "beat": "job", "migrate": None,
    }  # fmt: skip
    assert not {"DATABASE_JOB_URL", "DATABASE_OWNER_URL"} & set(told["web"])


def test_no_secret_stands_in_the_file(compose) -> None:
    found = [(key, value) for key, value in leaves(compose) if re.search("PASSWORD|SECRET|TOKEN", key)]
    secret = [value for key, value in found if key not in MAY_BE_ABSENT | NO_SECRET]
    passwords = [password for _, value in leaves(compose) for password in re.findall(r"://[^:@/]+:([^@/]+)@", value)]
    literal_sql = re.findall(r"PASSWORD (?!:')\S+", compose["configs"]["roles"]["content"])

    assert (len(secret), len(passwords)) >= (4, 3)
    assert [value for value in secret + passwords if not GIVEN.fullmatch(value)] == []
    assert literal_sql == []
    assert {(key, value) for key, value in found if key in MAY_BE_ABSENT} == {
        (key, f"${{{key}:-}}") for key in MAY_BE_ABSENT
    }
