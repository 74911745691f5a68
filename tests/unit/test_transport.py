"""What counts as protected on its way, and what is refused or warned of."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from pydantic import ValidationError

from include.errors import ConfigurationMissing, ServiceFailed, UnprotectedAddress
from include.services import embedded, postgres
from include.services.catalogue import catalogue
from include.services.exposure import refuse_open
from include.settings import Settings, settings
from include.transport import is_loopback, trusting, unprotected

VERIFIED = "sslmode=verify-full&sslrootcert=/ca.pem"


def named(monkeypatch: pytest.MonkeyPatch, **values: str) -> list[str]:
    """The settings whose addresses are unprotected when the environment has these values."""
    for name, value in values.items():
        monkeypatch.setenv(f"WAREHOUSE_{name.upper()}", value)
    settings.cache_clear()
    return [address.setting.removeprefix("WAREHOUSE_") for address in unprotected(Settings())]


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost", True),
        ("128.0.0.1", False),
        ("0.0.0.0", False),
        ("10.0.0.5", False),
        ("localhost.example", False),
        ("db", False),
        ("", False),
    ],
)
def test_this_machine_is_told_from_others(host: str, here: bool) -> None:
    assert is_loopback(host) is here


@pytest.mark.parametrize(
    ("dsn", "is_named"),
    [
        ("", False),
        ("postgresql:///d", False),  # a socket
        ("postgresql://u:p@127.0.0.1:5433/d", False),
        ("host=/var/run/postgresql dbname=d", False),
        ("postgresql://u:p@db.example/d", True),
        ("postgresql://u:p@db.example/d?sslmode=require", True),  # encrypted, to anybody
        ("postgresql://u:p@db.example/d?sslmode=verify-ca", True),  # to any host of the authority
        (f"postgresql://u:p@db.example/d?{VERIFIED}", False),
        ("postgresql://u:p@127.0.0.1,db.example/d", True),
        ("postgresql://u:p@localhost/d?hostaddr=10.0.0.5", True),
        ("service=bureau", True),
        ("postgresql://u:p@db.example:x:y/d", True),
    ],
)
def test_databases(home: Path, monkeypatch: pytest.MonkeyPatch, dsn: str, is_named: bool) -> None:
    for name in ("PGHOST", "PGSSLMODE", "PGSERVICE"):
        monkeypatch.delenv(name, raising=False)
    assert named(monkeypatch, civil_affairs_dsn=dsn) == ["CIVIL_AFFAIRS_DSN"] * is_named


def test_a_database_is_where_libpq_s_variables_say(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGHOST", "db.example")
    assert named(monkeypatch, dsn="postgresql:///d") == ["DSN"]
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    assert named(monkeypatch) == []


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"health_api_url": "https://yb.example"}, []),
        ({"health_api_url": "http://yb.example"}, ["HEALTH_API_URL"]),
        ({"health_api_url": "http://127.0.0.1:8391"}, []),
        ({"county_url": "file:///srv/drop"}, []),
        ({"county_url": "/srv/drop"}, []),
        ({"county_url": "sftp://u@drop.example/x"}, []),
        ({"county_url": "ftp://drop.example/x"}, ["COUNTY_URL"]),
        ({"county_url": "simplecache::sftp://drop.example/x"}, ["COUNTY_URL"]),
        (
            {"county_url_overrides": json.dumps({"431026": "smb://drop.example/x"})},
            ["COUNTY_URL_OVERRIDES"],
        ),
        ({"receipt_url": "ftp://drop.example/x"}, ["RECEIPT_URL"]),
        ({"alert_webhook": "http://hook.example/x"}, ["ALERT_WEBHOOK"]),
        ({"airflow_api_url": "http://airflow.example:8080"}, ["AIRFLOW_API_URL"]),
        ({"host_airflow": "airflow-api-server"}, ["HOST_AIRFLOW"]),
        ({"host_airflow": "airflow-api-server", "tls_certificate": "/c.pem"}, []),
        ({"alert_smtp_host": "mail.example"}, []),  # nothing is sent
        ({"alert_smtp_host": "mail.example", "alert_email": "a@b.example"}, ["ALERT_SMTP_HOST"]),
        (
            {
                "alert_smtp_host": "mail.example",
                "alert_email": "a@b.example",
                "alert_smtp_security": "starttls",
            },
            [],
        ),
        ({"alert_email": "a@b.example"}, []),
    ],
)
def test_other_addresses(
    home: Path, monkeypatch: pytest.MonkeyPatch, values: dict[str, str], expected: list[str]
) -> None:
    assert named(monkeypatch, **values) == expected


def test_tls_that_is_required_is_demanded_by_name(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAREHOUSE_REQUIRE_TLS", "1")
    named(
        monkeypatch,
        dsn="postgresql://etl:pass-word@db.example/d",
        health_api_url="http://yb.example",
    )
    with pytest.raises(UnprotectedAddress) as refusal:
        settings()
    assert "WAREHOUSE_DSN (postgresql://db.example: no sslmode=verify-full)" in refusal.value.what
    assert "WAREHOUSE_HEALTH_API_URL (http://yb.example: no https or sftp)" in refusal.value.what
    assert "pass-word" not in str(refusal.value)
    named(
        monkeypatch,
        dsn=f"postgresql://db.example/d?{VERIFIED}",
        health_api_url="https://yb.example",
    )
    assert settings().require_tls


def test_tls_that_is_not_required_is_missed_aloud(
    home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    named(monkeypatch, dsn="postgresql://etl:pass-word@127.0.0.1/d")
    settings()
    assert caplog.records == []
    named(monkeypatch, dsn="postgresql://etl:pass-word@db.example/d")
    with caplog.at_level(logging.WARNING):
        settings()
        settings()
    assert [record.levelname for record in caplog.records] == ["WARNING"]  # once a process
    assert "WAREHOUSE_DSN" in caplog.text
    assert "pass-word" not in caplog.text


def test_the_embedded_services_satisfy_what_is_required(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAREHOUSE_REQUIRE_TLS", "1")
    embedded.apply()
    assert settings().require_tls
    assert settings().dsn


def test_settings_do_not_show_secrets(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = [field for field in Settings.model_fields if field.endswith(("dsn", "secret"))]
    secrets += ["sftp_password", "alert_smtp_password", "alert_webhook"]
    assert len(secrets) > 7
    named(monkeypatch, **dict.fromkeys(secrets, "pass-word"))
    for shown in (repr(settings()), str(settings()), f"{settings()}"):
        assert "pass-word" not in shown
        assert "health_client_id" in shown
    monkeypatch.setenv("WAREHOUSE_BUILD_MINUTES", "pass-word")
    with pytest.raises(ValidationError) as refusal:
        Settings()
    assert "pass-word" not in str(refusal.value)


def test_an_authority_that_is_no_certificate_is_named(tmp_path: Path) -> None:
    assert trusting("", "WAREHOUSE_X") is True
    nothing = tmp_path / "nothing.pem"
    with pytest.raises(ConfigurationMissing, match="WAREHOUSE_X"):
        trusting(str(nothing), "WAREHOUSE_X")
    nothing.write_text("no certificate")
    with pytest.raises(ConfigurationMissing, match="WAREHOUSE_X"):
        trusting(str(nothing), "WAREHOUSE_X")


def test_services_listen_on_this_machine_alone(home: Path) -> None:
    assert embedded.bind_address() == "127.0.0.1"
    for service in catalogue().values():
        refuse_open([service])
        assert "0.0.0.0" not in " ".join(service.command() if service.port else [])
    written = (postgres.data_directory(home) / "postgresql.conf").read_text()
    assert "listen_addresses = '127.0.0.1'" in written


def test_plain_services_are_not_opened_by_a_variable_alone(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAREHOUSE_BIND", "0.0.0.0")
    services = catalogue()
    refuse_open([services["sftp"], services["schemas"]])  # SSH, and nothing that listens
    with pytest.raises(
        ServiceFailed, match="postgres, health-api, pages, airflow-api-server"
    ) as it:
        refuse_open(services.values())
    assert "sftp" not in it.value.what
    monkeypatch.setenv("WAREHOUSE_BIND_ACKNOWLEDGED", "1")
    refuse_open(services.values())


def test_services_with_a_certificate_may_be_opened(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAREHOUSE_BIND", "0.0.0.0")
    for name in ("certificate", "key"):
        (home / name).touch()
        monkeypatch.setenv(f"WAREHOUSE_TLS_{name.upper()}", str(home / name))
    settings.cache_clear()
    services = catalogue()
    refuse_open([services["airflow-api-server"], services["pages"]])
    with pytest.raises(ServiceFailed, match="would open postgres, health-api to"):
        refuse_open(services.values())


@pytest.mark.parametrize("absent", ["certificate", "key"])
def test_a_certificate_without_its_key_is_named(
    home: Path, monkeypatch: pytest.MonkeyPatch, absent: str
) -> None:
    for name in ("certificate", "key"):
        monkeypatch.setenv(f"WAREHOUSE_TLS_{name.upper()}", str(home / name))
        if name != absent:
            (home / name).touch()
    settings.cache_clear()
    with pytest.raises(ConfigurationMissing, match=f"WAREHOUSE_TLS_{absent.upper()}"):
        catalogue()


def test_a_client_program_that_speaks_no_tls_is_not_used_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PGSSLMODE", raising=False)
    bundled = str(postgres.bundled_bin() / "psql")
    ours = tmp_path / "psql"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert postgres.client("psql", "postgresql://127.0.0.1/d") == bundled
    with pytest.raises(ServiceFailed, match="sslmode=verify-full needs a psql that speaks TLS"):
        postgres.client("psql", f"postgresql://db.example/d?{VERIFIED}")
    ours.write_text("#!/bin/sh\n")
    ours.chmod(0o755)
    assert postgres.client("psql", f"postgresql://db.example/d?{VERIFIED}") == str(ours)
