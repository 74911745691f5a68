"""One warehouse for all tests of access, owned by no superuser, with a month published twice; and
logins of the roles."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from include.access.enforce import enforce
from include.access.people import grant
from include.access.roles import names
from include.database import migrate
from include.gate import audit
from include.publish import publish
from include.raw import ensure_raw_tables
from include.services.bootstrap import close_large_objects
from tests.conftest import PERSON_KEY_SECRET, database_url, only_environment
from tests.expectations.candidate import PERIOD, deliver_month, fill, open_build

OWNER = "access_owner"
PASSWORD = "not-a-secret"
COUNTY, OTHER = "431002", "431003"
TOWNSHIP = f"{COUNTY}001"
STILL_OPEN = datetime(2026, 3, 1, tzinfo=UTC)

Login = Callable[[str], psycopg.Connection]


def login_url(url: str, account: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{account}:{PASSWORD}@{parts.hostname}:{parts.port}"))


@pytest.fixture(scope="package")
def accessible(
    server_dsn: str, _warehouse_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The warehouse's URL as its owner; the settings name it."""
    name = "test_access"
    with psycopg.connect(server_dsn, autocommit=True) as admin:
        admin.execute(f"create role {OWNER} login createrole password '{PASSWORD}'".encode())
        admin.execute(f"create database {name} owner {OWNER}".encode())
        for role in names(()):
            admin.execute(f"alter role {role} password '{PASSWORD}'".encode())
            admin.execute(
                f"grant {role} to {OWNER} with admin true, inherit false, set false".encode()
            )
    with psycopg.connect(database_url(server_dsn, name)) as admin:
        close_large_objects(admin)
    url = login_url(database_url(server_dsn, name), OWNER)
    home = tmp_path_factory.mktemp("access")
    try:
        with only_environment(dsn=url, home=str(home), person_key_secret=PERSON_KEY_SECRET):
            _make(url)
            yield url
    finally:
        with psycopg.connect(server_dsn, autocommit=True) as admin:
            admin.execute(f"drop database {name} with (force)".encode())
            for (role,) in admin.execute(
                "select rolname from pg_roles where rolname ~ '^(bi_township_|person_)'"
            ).fetchall():
                admin.execute(f'drop role "{role}"'.encode())
            admin.execute(f"drop owned by {OWNER}; drop role {OWNER}".encode())


@pytest.fixture(scope="package")
def admin_url(accessible: str, server_dsn: str) -> str:
    """A superuser's URL of the warehouse: whoever holds it sees all that happens there."""
    return database_url(server_dsn, urlsplit(accessible).path.lstrip("/"))


def _make(url: str) -> None:
    migrate()
    ensure_raw_tables()
    enforce()
    grant("bi_township", "person_a", "test", township=TOWNSHIP, new=True)
    with psycopg.connect(url, autocommit=True) as db:
        deliver_month(db)
        for wage in (30000, 31000):
            fill(db, wage=wage)
            db.execute("update candidate.household_month set township_code = county_code || '001'")
            build_id = open_build(db, PERIOD)
            enforce()  # what the test has made by hand is dbt's
            audit(build_id)
            publish(build_id, now=STILL_OPEN)


@pytest.fixture(scope="package")
def login(accessible: str) -> Iterator[Login]:
    """A session of a role or account that has logged in itself; one for each, in autocommit."""
    sessions: dict[str, psycopg.Connection] = {}

    def of(account: str) -> psycopg.Connection:
        session = sessions.get(account)
        if session is None or session.closed:
            if account.startswith("bi_township_"):
                with psycopg.connect(accessible, autocommit=True) as owner:
                    owner.execute(f"alter role {account} password '{PASSWORD}'".encode())
            session = psycopg.connect(login_url(accessible, account), autocommit=True)
            session.execute("set default_transaction_read_only = off")
            sessions[account] = session
        return session

    yield of
    for session in sessions.values():
        session.close()


@pytest.fixture
def owner(accessible: str) -> Iterator[psycopg.Connection]:
    """The owner's own session; what a test does in it is undone."""
    with psycopg.connect(accessible) as connection:
        yield connection
        connection.rollback()


@contextmanager
def refused(*errors: type[psycopg.Error]) -> Iterator[None]:
    """PostgreSQL refuses for want of privilege."""
    with pytest.raises(errors or psycopg.errors.InsufficientPrivilege):
        yield
