"""docker-compose.yml against the launcher's own services, commands and variables."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from include.services.catalogue import SECRETS, Service, catalogue
from include.settings import PROJECT_ROOT, Settings

COMPOSE = PROJECT_ROOT / "docker-compose.yml"
OWN = {"install": ["--help"], "simulate": ["simulate"]}
"""Containers that run another command of the launcher than ``run``."""


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    parsed: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE.read_text())["services"]
    return parsed


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Service]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WAREHOUSE_HOME", str(tmp_path_factory.mktemp("compose")))
        yield {**catalogue(), SECRETS.name: SECRETS}


def test_containers_are_the_launcher_s_services(
    services: dict[str, dict[str, Any]], own: dict[str, Service]
) -> None:
    assert set(services) == set(own) | set(OWN)


def test_commands_are_the_launcher_s_own(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        if name != "postgres":
            assert service["command"] == ["./warehouse", *OWN.get(name, ["run", name])], name


def test_each_container_waits_for_what_its_service_needs(
    services: dict[str, dict[str, Any]], own: dict[str, Service]
) -> None:
    for name, service in own.items():
        waited = services[name].get("depends_on", {})
        assert set(service.depends_on) <= set(waited), name
        for other, how in waited.items():
            if other in own and own[other].once:
                assert how["condition"] == "service_completed_successfully", (name, other)


def test_variables_are_known_to_the_launcher(services: dict[str, dict[str, Any]]) -> None:
    fields = {f"WAREHOUSE_{field.upper()}" for field in Settings.model_fields}
    source = "".join(
        path.read_text() for path in (PROJECT_ROOT / "include" / "services").glob("*.py")
    )
    for service in services.values():
        for variable in service["environment"]:
            known = variable in fields or f'"{variable}"' in source
            family = re.fullmatch(r"WAREHOUSE_(HOST|PORT)_[A-Z_]+", variable)
            assert known or family or variable.startswith("POSTGRES_"), variable


def test_ports_are_published_on_loopback_only(services: dict[str, dict[str, Any]]) -> None:
    published = [port for service in services.values() for port in service.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_no_password_is_written_down(services: dict[str, dict[str, Any]]) -> None:
    values = {
        key: value for service in services.values() for key, value in service["environment"].items()
    }
    telling = {key: value for key, value in values.items() if re.search("PASSWORD|SECRET|DSN", key)}
    assert telling == {"POSTGRES_PASSWORD_FILE": "/state/postgres_password"}


def test_docker_compose_reads_it() -> None:
    program = shutil.which("docker-compose")
    if program is None:
        return  # the tests above hold its structure
    outcome = subprocess.run(
        [program, "--file", str(COMPOSE), "config", "--quiet"],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stderr
