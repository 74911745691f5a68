"""Secrets, ports, addresses, processes; what needs a running server is in test_supervisor.py."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.resources import files
from pathlib import Path

import psutil
import pytest
import yaml
from airflow.providers.fab.get_provider_info import get_provider_info

from include.database import dsn_of
from include.errors import ServiceFailed
from include.services import embedded, health, processes
from include.services.airflow_environment import (
    ROLES,
    airflow_environment,
    password_file,
    write_passwords,
)
from include.services.airflow_roles import permissions
from include.services.catalogue import catalogue, chosen
from include.services.credentials import credentials
from include.services.pages import locate
from include.services.ports import PREFERRED, claim, is_free, ports
from include.services.postgres import configuration
from include.settings import settings
from include.vault.secrets import known_secrets

ALL = set(PREFERRED)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A state folder of its own, in an environment without any other WAREHOUSE_ variable."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("WAREHOUSE_", "AIRFLOW"))]:
            patch.delenv(name)
        patch.setenv("WAREHOUSE_HOME", str(tmp_path / "home"))
        before = dict(os.environ)
        settings.cache_clear()
        yield tmp_path / "home"
        for name in set(os.environ) - set(before):
            del os.environ[name]
    settings.cache_clear()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def port_of(server: socket.socket) -> int:
    port: int = server.getsockname()[1]
    return port


# -- secrets


def test_secrets_are_made_once_for_the_owner_alone(home: Path) -> None:
    first = credentials(home)
    assert credentials(home) == first
    assert len(set(first.values())) == len(first)
    assert stat.S_IMODE((home / "secrets.json").stat().st_mode) == 0o600


def test_missing_secret_is_added_and_the_others_stay(home: Path) -> None:
    first = credentials(home)
    kept = {name: value for name, value in first.items() if name != "sftp"}
    (home / "secrets.json").write_text(json.dumps(kept))
    second = credentials(home)
    assert {name: second[name] for name in kept} == kept
    assert second["sftp"] != first["sftp"]


@pytest.mark.parametrize("damage", ["", "{"])
def test_damaged_secrets_are_refused_and_kept(home: Path, damage: str) -> None:
    home.mkdir()
    (home / "secrets.json").write_text(damage)
    with pytest.raises(ServiceFailed, match="restore it from a backup"):
        credentials(home)
    assert (home / "secrets.json").read_text() == damage


# -- ports


def test_ports_are_kept(home: Path) -> None:
    first = ports(home)
    assert set(first) == set(PREFERRED)
    assert len(set(first.values())) == len(first)
    assert ports(home) == first


def test_taken_port_moves_and_says_so(home: Path, listener: socket.socket) -> None:
    recorded = {**ports(home), "sftp": port_of(listener)}
    (home / "ports.json").write_text(json.dumps(recorded))
    chosen_ports, moved = claim(home, set(), ALL)
    notes = [change for change in moved if change.service == "sftp"]
    assert [change.wanted for change in notes] == [port_of(listener)]
    assert chosen_ports["sftp"] == notes[0].got != port_of(listener)
    assert is_free(chosen_ports["sftp"])
    assert ports(home) == chosen_ports


def test_a_moved_port_is_no_other_service_s(
    home: Path, listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next free port after a taken one may be what a later service is about to use."""
    taken = port_of(listener)
    monkeypatch.setitem(PREFERRED, "health_api", taken)
    monkeypatch.setitem(PREFERRED, "pages", taken + 1)
    chosen_ports, _ = claim(home, set(), ALL)
    assert len(set(chosen_ports.values())) == len(PREFERRED)
    assert chosen_ports["health_api"] not in (taken, taken + 1)


def test_own_running_service_keeps_its_port(home: Path, listener: socket.socket) -> None:
    free = {**ports(home), "sftp": port_of(listener)}
    (home / "ports.json").write_text(json.dumps(free))
    chosen_ports, moved = claim(home, ALL, ALL)
    assert chosen_ports == free
    assert moved == []


def test_port_does_not_move_under_running_services(home: Path, listener: socket.socket) -> None:
    (home / "ports.json").parent.mkdir(exist_ok=True)
    (home / "ports.json").write_text(json.dumps({**ports(home), "sftp": port_of(listener)}))
    with pytest.raises(ServiceFailed, match="other services run that know it"):
        claim(home, ALL - {"sftp"}, ALL)


def test_a_port_that_nothing_is_started_on_may_be_taken_meanwhile(
    home: Path, listener: socket.socket
) -> None:
    recorded = {**ports(home), "sftp": port_of(listener)}
    (home / "ports.json").write_text(json.dumps(recorded))
    assert claim(home, {"postgres"}, {"postgres", "pages"}) == (recorded, [])


def test_fixed_port_that_is_taken_is_refused(
    home: Path, listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAREHOUSE_PORT_SFTP", str(port_of(listener)))
    assert ports(home)["sftp"] == port_of(listener)
    with pytest.raises(ServiceFailed, match=f"Port {port_of(listener)} of sftp is taken"):
        claim(home, set(), ALL)


@pytest.mark.parametrize("text", ["x", "0", "65536", "-1"])
def test_port_that_is_no_number_is_refused(
    home: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("WAREHOUSE_PORT_PAGES", text)
    with pytest.raises(ServiceFailed, match="WAREHOUSE_PORT_PAGES is no port number"):
        ports(home)


# -- addresses


def test_apply_fills_what_is_unset_and_keeps_what_is_set(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAREHOUSE_HEALTH_API_URL", "https://real.example")
    embedded.apply()
    assert os.environ["WAREHOUSE_HEALTH_API_URL"] == "https://real.example"
    assert settings().dsn.startswith("postgresql://warehouse_etl:")
    assert settings().bi_dsn.startswith("postgresql://bi_city:")
    assert settings().county_url_overrides.keys() == {embedded.SFTP_COUNTY}
    assert embedded.external_services() == {"health-api"}
    assert settings().loader_dsn.startswith("postgresql://loader:")
    assert not embedded.is_given("WAREHOUSE_DSN")


def test_a_warehouse_of_ones_own_has_none_of_the_embedded_accounts(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAREHOUSE_DSN", "postgresql://owner@db.example/x")
    monkeypatch.setenv("WAREHOUSE_LOADER_DSN", "postgresql://loader@db.example/x")
    embedded.apply()
    assert dsn_of("loader") == "postgresql://loader@db.example/x"
    assert dsn_of("publisher") == "postgresql://owner@db.example/x?options=-c%20role%3Dpublisher"
    assert dsn_of("owner") == settings().dsn
    assert embedded.client_environment(dsn_of("publisher"))["PGOPTIONS"] == "-c role=publisher"


def test_apply_again_follows_another_home(home: Path, tmp_path: Path) -> None:
    embedded.apply()
    first = known_secrets()
    assert len(first) == 1
    os.environ["WAREHOUSE_HOME"] = str(tmp_path / "other")
    embedded.apply()
    assert settings().home == tmp_path / "other"
    assert known_secrets() not in ((), first)


def test_postgres_is_needed_until_every_dsn_is_given(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DSN", "AIRFLOW_DSN"):
        monkeypatch.setenv(f"WAREHOUSE_{name}", "postgresql://db.example/x")
    assert "postgres" in chosen()
    monkeypatch.setenv("WAREHOUSE_CIVIL_AFFAIRS_DSN", "postgresql://db.example/x")
    assert not {"postgres", "databases"} & chosen().keys()
    assert "schemas" in chosen()


def test_own_drop_folder_has_no_embedded_sftp_county(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAREHOUSE_COUNTY_URL", "file:///srv/drop")
    embedded.apply()
    assert settings().county_url_overrides == {}
    assert "sftp" not in chosen()


def test_client_environment_keeps_the_password_off_the_command_line() -> None:
    assert embedded.client_environment("postgresql://a:b%20c@h:1/d") == {
        "PGUSER": "a",
        "PGPASSWORD": "b c",
        "PGHOST": "h",
        "PGPORT": "1",
        "PGDATABASE": "d",
    }
    assert embedded.client_environment("") == {}


# -- catalogue


def test_each_service_comes_after_what_it_needs(home: Path) -> None:
    seen: set[str] = set()
    for service in catalogue().values():
        assert set(service.depends_on) <= seen, service.name
        assert (service.check is None) == service.once, service.name
        seen.add(service.name)


def test_naming_a_service_takes_what_it_needs_along(home: Path) -> None:
    assert list(chosen(["postgres"])) == ["postgres", "databases"]
    assert list(chosen(["airflow-triggerer"])) == [
        *("postgres", "databases", "airflow-metadata", "airflow-api-server", "airflow-triggerer"),
    ]
    assert chosen([]) == {}
    with pytest.raises(KeyError):
        chosen(["nothing"])


def test_simulated_systems_know_nothing_of_ours(home: Path) -> None:
    embedded.apply()
    for name in ("health-api", "sftp", "pages"):
        environment = catalogue()[name].environment()
        told = set(environment) & {key for key in os.environ if key.startswith("WAREHOUSE_")}
        assert "WAREHOUSE_HOME" in told
        assert not {key for key in told if "DSN" in key or "PERSON_KEY" in key}, name


def test_no_command_line_holds_a_secret(home: Path) -> None:
    secrets = set(credentials(home).values())
    for service in catalogue().values():
        if service.name != "postgres":
            line = " ".join(service.command())
            assert not [secret for secret in secrets if secret in line], service.name


# -- Airflow's configuration


def test_every_airflow_option_exists_in_this_airflow(home: Path) -> None:
    known = yaml.safe_load((files("airflow") / "config_templates" / "config.yml").read_text())
    known |= get_provider_info()["config"]
    sections = {section: set(body["options"]) for section, body in known.items()}
    for variable in airflow_environment():
        if variable.startswith("AIRFLOW__"):
            _, section, option = variable.lower().split("__")
            assert option in sections[section], variable


def test_airflow_environment_points_to_this_home(home: Path) -> None:
    environment = airflow_environment()
    assert environment["AIRFLOW_HOME"] == str(home / "airflow")
    assert environment["WAREHOUSE_DSN"].startswith("postgresql://warehouse_etl:")
    assert environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].startswith("postgresql+psycopg2://")


def test_each_role_of_airflow_has_an_account_with_a_password_of_its_own(home: Path) -> None:
    write_passwords(home)
    path = password_file(home)
    written = json.loads(path.read_text())
    assert set(written) == set(ROLES) == set(permissions())
    assert len(set(written.values())) == len(ROLES)
    assert written["admin"] == credentials(home)["airflow_admin"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_no_role_of_airflow_holds_two_duties() -> None:
    """Who starts things does not approve them, and who makes accounts does neither."""
    starts = {("can_create", "DAG Runs"), ("can_create", "Backfills"), ("can_edit", "DAG Runs")}
    duties = {
        "operator": starts,
        "approver": {("can_edit", "HITL Detail")},
        "admin": {("can_create", "Users"), ("can_edit", "Connections")},
    }
    for duty, holder in duties.items():
        held = {role for role, granted in permissions().items() if granted & holder}
        assert held == {duty}
    assert not any(
        (action, "DAGs") in granted
        for granted in permissions().values()
        for action in ("can_delete", "can_create")
    )
    changes = {action for action, _ in permissions()["auditor"]} - {"can_read", "menu_access"}
    assert {what for action, what in permissions()["auditor"] if action in changes} == {
        "My Password", "My Profile",
    }  # fmt: skip


# -- postgresql.conf


def test_configuration_is_filled_in_and_quotes_no_row() -> None:
    lines = [line.split("#")[0].strip() for line in configuration(5999, "127.0.0.1").splitlines()]
    options = dict(line.split(" = ", 1) for line in lines if line)
    assert options["port"] == "5999"
    assert options["listen_addresses"] == "'127.0.0.1'"
    assert options["shared_buffers"].endswith("MB")
    assert "$" not in "".join(options.values())
    # What would write values of rows into the server's log.
    assert options["log_min_messages"] == "log"
    assert options["log_min_error_statement"] == "panic"
    assert options["log_error_verbosity"] == "terse"


# -- pages


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/data_docs/index.html", "data_docs/index.html"),
        ("/data_docs/", "data_docs/index.html"),
        ("/data_docs/%69ndex.html?x=1", "data_docs/index.html"),
        ("/dbt/manifest.json", "dbt/manifest.json"),
        ("/dbt/", "dbt/index.html"),
        ("/dbt/run_results.json", None),
        ("/dbt/../secrets.json", None),
        ("/data_docs/../secrets.json", None),
        ("/data_docs/%2e%2e/secrets.json", None),
        ("/data_docs/link", None),
        ("/data_docs/absent.html", None),
        ("/secrets.json", None),
        ("", None),
    ],
)
def test_pages_serve_the_two_folders_and_nothing_else(
    tmp_path: Path, path: str, found: str | None
) -> None:
    (tmp_path / "data_docs").mkdir()
    (tmp_path / "data_docs" / "index.html").touch()
    (tmp_path / "secrets.json").touch()
    (tmp_path / "data_docs" / "link").symlink_to(tmp_path / "secrets.json")
    expected = None if found is None else tmp_path / found
    assert locate(path, tmp_path / "data_docs", tmp_path / "dbt") == expected


# -- processes

SLEEPER = [sys.executable, "-c", "import signal, sys; print('up', flush=True); signal.pause()"]
PARENT = [
    *(sys.executable, "-c"),
    "import signal, subprocess, sys\n"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "child = subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()'])\n"
    "print(child.pid, flush=True)\n"
    "signal.pause()",
]


def first_line(log: Path) -> str:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if log.exists() and log.read_text().endswith("\n"):
            return log.read_text().splitlines()[0]
        time.sleep(0.01)
    raise AssertionError(f"{log} stayed empty")


def test_process_is_found_again_and_ended(tmp_path: Path) -> None:
    process = processes.launch(tmp_path, "x", SLEEPER, os.environ, tmp_path / "x.log")
    first_line(tmp_path / "x.log")
    found = processes.running(tmp_path, "x")
    assert found is not None
    assert found.pid == process.pid
    assert processes.end(tmp_path, "x", signal.SIGTERM, leader_only=False, grace=10)
    assert processes.running(tmp_path, "x") is None
    assert not processes.was_started(tmp_path, "x")
    assert process.wait() == -signal.SIGTERM


def test_process_that_ignores_the_signal_is_killed_with_its_children(tmp_path: Path) -> None:
    processes.launch(tmp_path, "x", PARENT, os.environ, tmp_path / "x.log")
    child = psutil.Process(int(first_line(tmp_path / "x.log")))
    assert processes.end(tmp_path, "x", signal.SIGTERM, leader_only=True, grace=0.2)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_what_a_killed_process_left_is_ended(tmp_path: Path) -> None:
    process = processes.launch(tmp_path, "x", PARENT, os.environ, tmp_path / "x.log")
    child = int(first_line(tmp_path / "x.log"))
    process.kill()
    process.wait()
    assert psutil.pid_exists(child)
    assert processes.end_leftovers(tmp_path, "x") == 1
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE
    assert processes.end_leftovers(tmp_path, "x") == 0


def test_pid_given_to_another_process_is_not_ours(tmp_path: Path) -> None:
    with subprocess.Popen(SLEEPER, stdout=subprocess.DEVNULL) as stranger:
        started = psutil.Process(stranger.pid).create_time()
        record = {"pid": stranger.pid, "started": started - 100}
        processes.pid_file(tmp_path, "x").parent.mkdir()
        processes.pid_file(tmp_path, "x").write_text(json.dumps(record))
        assert processes.running(tmp_path, "x") is None
        assert not processes.end(tmp_path, "x", signal.SIGTERM, leader_only=False, grace=1)
        assert stranger.poll() is None
        stranger.kill()


@pytest.mark.parametrize("text", ["", "{}", "no json"])
def test_damaged_pid_file_is_no_process(tmp_path: Path, text: str) -> None:
    processes.pid_file(tmp_path, "x").parent.mkdir()
    processes.pid_file(tmp_path, "x").write_text(text)
    assert processes.running(tmp_path, "x") is None


# -- health checks


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return port_of(server)


def test_greeting() -> None:
    def speak(server: socket.socket, words: bytes) -> bool:
        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(words)

        thread = threading.Thread(target=answer)
        thread.start()
        well = health.greets("127.0.0.1", port_of(server), b"SSH-2.0")(0)
        thread.join()
        return well

    with socket.create_server(("127.0.0.1", 0)) as server:
        assert speak(server, b"SSH-2.0-x\r\n")
        assert not speak(server, b"220 mail\r\n")
        assert not speak(server, b"")
    assert not health.greets("127.0.0.1", free_port(), b"SSH-2.0")(0)


def test_http_answer_and_heartbeat() -> None:
    replies: dict[str, tuple[int, bytes]] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = replies[self.path]
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        for status, well in ((200, True), (404, True), (503, False)):
            replies["/"] = status, b""
            assert health.answers_http(f"{url}/")(0) is well

        beats = health.beats_in_airflow(url, "scheduler")

        def told(body: object) -> None:
            replies["/api/v2/monitor/health"] = 200, json.dumps(body).encode()

        beat = {"status": "healthy", "latest_scheduler_heartbeat": "2026-01-31T00:00:10+00:00"}
        told({"scheduler": beat})
        assert beats(1769817609.0)
        assert not beats(1769817611.0), "a heartbeat of the process before"
        told({"scheduler": {**beat, "status": "unhealthy"}})
        assert not beats(0)
        told({"scheduler": {"status": None}})
        assert not beats(0)
        told({})
        assert not beats(0)
        server.shutdown()
    assert not health.answers_http(f"http://127.0.0.1:{free_port()}/")(0)
