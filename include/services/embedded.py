"""The embedded services as ``WAREHOUSE_*`` values, for whatever the environment leaves unset."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import Conninfo

from include.services.credentials import credentials
from include.services.ports import ports
from include.settings import DUTIES, Settings, settings

MARKER = "WAREHOUSE_EMBEDDED_VALUES"
"""Digest of each variable that ``apply`` filled in, so that it is not taken for the user's own."""
SFTP_COUNTY = "431081"
"""The county that delivers through SFTP; the ten others put their files into the drop folder."""
SFTP_USER = "county"
_OF_SIMULATED_COUNTIES = (
    "WAREHOUSE_COUNTY_URL_OVERRIDES",
    "WAREHOUSE_SCHEDULE_FROM",
    "WAREHOUSE_SFTP_KNOWN_HOSTS",
)
_PERSON_KEYS = (
    "WAREHOUSE_PERSON_KEY_FILE",
    "WAREHOUSE_PERSON_KEY_SECRET",
    "WAREHOUSE_PERSON_KEY_VARIABLE",
)
_OF_DUTIES = {f"WAREHOUSE_{field.upper()}": duty for duty, field in DUTIES.items()}


def home() -> Path:
    """``WAREHOUSE_HOME`` or its default, absolute."""
    return Settings().home.expanduser().absolute()


def host(service: str) -> str:
    """Where clients find a service: this machine, or ``WAREHOUSE_HOST_<SERVICE>`` (containers)."""
    return os.environ.get(f"WAREHOUSE_HOST_{service.upper()}") or "127.0.0.1"


def bind_address() -> str:
    """What services listen on: loopback, unless ``WAREHOUSE_BIND`` opens them (containers)."""
    return os.environ.get("WAREHOUSE_BIND") or "127.0.0.1"


def dsn(account: str, database: str) -> str:
    """libpq URL of an account on the embedded server (``postgres`` is its superuser)."""
    password, port = credentials(home())[account], ports(home())["postgres"]
    return f"postgresql://{account}:{password}@{host('postgres')}:{port}/{database}"


def civil_affairs_admin_dsn() -> str:
    """The owner of the simulated civil-affairs database; only the simulator uses it."""
    return dsn("civil_affairs_admin", "civil_affairs")


def environment() -> dict[str, str]:
    """``WAREHOUSE_*`` values of the embedded services; makes secrets and ports where absent."""
    folder = home()
    secret, port = credentials(folder), ports(folder)
    sftp = f"sftp://{SFTP_USER}@{host('sftp')}:{port['sftp']}/"
    return {
        "WAREHOUSE_HOME": str(folder),
        "WAREHOUSE_DSN": dsn("warehouse_etl", "warehouse"),
        **{name: dsn(duty, "warehouse") for name, duty in _OF_DUTIES.items()},
        "WAREHOUSE_AIRFLOW_DSN": dsn("airflow", "airflow"),
        "WAREHOUSE_CIVIL_AFFAIRS_DSN": dsn("civil_affairs_reader", "civil_affairs"),
        "WAREHOUSE_COUNTY_URL": f"file://{folder}/sources/county",
        "WAREHOUSE_COUNTY_URL_OVERRIDES": json.dumps({SFTP_COUNTY: sftp}),
        "WAREHOUSE_SFTP_PASSWORD": secret["sftp"],
        "WAREHOUSE_SFTP_KNOWN_HOSTS": f"{folder}/sources/known_hosts",
        "WAREHOUSE_HEALTH_API_URL": f"http://{host('health_api')}:{port['health_api']}",
        "WAREHOUSE_HEALTH_CLIENT_SECRET": secret["health_client"],
        # The file: what runs for long sees a new secret, and no environment shows it.
        _PERSON_KEYS[0]: str(folder / "secrets.json"),
        "WAREHOUSE_ERASURE_SECRET": secret["erasure"],
        # The simulated sources deliver what ./warehouse simulate made, and no month by themselves.
        "WAREHOUSE_SCHEDULE_FROM": "2100-01",
    }


def apply() -> None:
    """Put ``environment()`` into this process where the user set nothing; forget old settings."""
    # A real drop folder has no embedded SFTP county in it.
    own_county_url = is_given("WAREHOUSE_COUNTY_URL")
    own_person_keys = any(is_given(name) for name in _PERSON_KEYS)
    # Nor has a real warehouse the embedded one's accounts.
    own_warehouse = is_given("WAREHOUSE_DSN")
    applied = {}
    for name, value in environment().items():
        if (
            is_given(name)
            or (own_county_url and name in _OF_SIMULATED_COUNTIES)
            or (own_warehouse and name in _OF_DUTIES)
        ):
            continue
        if own_person_keys and name in _PERSON_KEYS:
            continue
        os.environ[name] = value
        applied[name] = _digest(value)
    os.environ[MARKER] = json.dumps(applied)
    settings.cache_clear()


def use_warehouse(url: str) -> None:
    """Another warehouse for this process, which none of the accounts configured so far is of."""
    for name in _OF_DUTIES:
        os.environ.pop(name, None)
    os.environ["WAREHOUSE_DSN"] = url
    settings.cache_clear()


def is_given(name: str) -> bool:
    """Whether the user set ``name`` (and not an earlier ``apply``, also of a parent process)."""
    value = os.environ.get(name)
    applied: dict[str, str] = json.loads(os.environ.get(MARKER) or "{}")
    return bool(value) and _digest(str(value)) != applied.get(name)


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()[:16]


def external_services() -> set[str]:
    """Embedded services that are not needed since the user named real ones."""
    addresses = (
        "WAREHOUSE_DSN",
        "WAREHOUSE_AIRFLOW_DSN",
        "WAREHOUSE_CIVIL_AFFAIRS_DSN",
    )
    external = set()
    if all(is_given(name) for name in addresses):
        external.add("postgres")
    if is_given("WAREHOUSE_HEALTH_API_URL"):
        external.add("health-api")
    if is_given("WAREHOUSE_COUNTY_URL"):
        external.add("sftp")
    return external


def client_environment(dsn_url: str) -> dict[str, str]:
    """libpq's ``PG*`` variables for a DSN: a password on a command line is readable by all.

    All that a DSN may say and that has a variable: address and account, ``sslmode``,
    ``sslrootcert``, and so on.
    """
    names = {each.keyword.decode(): each.envvar for each in Conninfo.get_defaults() if each.envvar}
    parts = conninfo_to_dict(dsn_url)
    return {names[key].decode(): str(value) for key, value in parts.items() if key in names}
