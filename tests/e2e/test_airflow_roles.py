"""Each role of Airflow against the running API: what it may, and what it is refused.

Requests that are let through meet nothing or an empty body, so that they change nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import psycopg
import pytest

from include.airflow_api import BUILD
from include.services import embedded
from include.services.airflow_environment import ROLES, api_url, password_file, passwords
from include.services.airflow_roles import enforce, permissions, too_mighty
from tests.e2e.conftest import Stage

RUN = f"/api/v2/dags/{BUILD}/dagRuns/none"
WAITS = f"{RUN}/taskInstances/approval/-1/hitlDetails"
ANSWER = {"chosen_options": ["Approve"], "params_input": {}}
OPERATOR, APPROVER, AUDITOR, ADMIN = ({role} for role in ROLES)
EVERYONE = set(ROLES)
NOBODY: set[str] = set()
ACTIONS = {
    "see the DAGs": ("GET", "/api/v2/dags", None, EVERYONE),
    "see runs": ("GET", f"/api/v2/dags/{BUILD}/dagRuns", None, EVERYONE),
    "read logs": ("GET", f"{RUN}/taskInstances/dbt/logs/1", None, EVERYONE),
    "see who did what": ("GET", "/api/v2/eventLogs", None, AUDITOR),
    "trigger": ("POST", f"/api/v2/dags/{BUILD}/dagRuns", {}, OPERATOR),
    "clear": ("POST", f"{RUN}/clear", {}, OPERATOR),
    "clear tasks": (
        "POST",
        f"/api/v2/dags/{BUILD}/clearTaskInstances",
        {"dag_run_id": 1},
        OPERATOR,
    ),
    "mark a run": ("PATCH", RUN, {"state": "failed"}, OPERATOR),
    "create a backfill": ("POST", "/api/v2/backfills", {"dag_id": "county_delivery"}, OPERATOR),
    "pause a DAG": ("PATCH", "/api/v2/dags/county_delivery", {}, OPERATOR),
    "pause the build": ("PATCH", f"/api/v2/dags/{BUILD}", {}, OPERATOR | APPROVER),
    "delete a DAG": ("DELETE", "/api/v2/dags/none", None, NOBODY),
    "delete a run": ("DELETE", RUN, None, NOBODY),
    "approve": ("PATCH", WAITS, ANSWER, APPROVER),
    "see connections": ("GET", "/api/v2/connections", None, ADMIN),
    "make a connection": ("POST", "/api/v2/connections", {}, ADMIN),
    "see variables": ("GET", "/api/v2/variables", None, ADMIN),
    "make a variable": ("POST", "/api/v2/variables", {}, ADMIN),
    "make a pool": ("POST", "/api/v2/pools", {}, ADMIN),
    "see the configuration": ("GET", "/api/v2/config", None, NOBODY),
    "see accounts": ("GET", "/auth/fab/v1/users", None, ADMIN),
    "make an account": ("POST", "/auth/fab/v1/users", {}, ADMIN),
    "make a role": ("POST", "/auth/fab/v1/roles", {"name": "x", "actions": []}, NOBODY),
}


@pytest.fixture(scope="module")
def clients(demo: Stage) -> Iterator[dict[str, httpx.Client]]:
    """A session of each role's account."""
    with demo.municipality.as_settings():
        known = json.loads(password_file(embedded.home()).read_text())
        opened = {}
        for role in ROLES:
            client = httpx.Client(base_url=api_url(), timeout=60)
            answer = client.post(
                "/auth/token", json={"username": role, "password": known[role]}
            ).raise_for_status()
            client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
            opened[role] = client
        yield opened
        for client in opened.values():
            client.close()


@pytest.mark.parametrize("action", ACTIONS)
def test_a_role_may_what_is_its_duty_and_nothing_else(
    clients: dict[str, httpx.Client], action: str
) -> None:
    method, path, body, allowed = ACTIONS[action]
    told = {
        role: client.request(method, path, json=body).status_code
        for role, client in clients.items()
    }
    assert {role for role, code in told.items() if code != httpx.codes.FORBIDDEN} == allowed, told
    assert not {role for role, code in told.items() if code in (401, 500)}, told


def test_nobody_gets_in_without_an_account(demo: Stage, clients: dict[str, httpx.Client]) -> None:
    with demo.municipality.as_settings():
        for account in ({"username": "operator", "password": "wrong"}, {"username": "operator"}):
            assert httpx.post(f"{api_url()}/auth/token", json=account).status_code in (400, 401)
        assert httpx.get(f"{api_url()}/api/v2/dags").status_code == 401


def test_what_was_changed_by_hand_is_put_right(
    demo: Stage, clients: dict[str, httpx.Client]
) -> None:
    with demo.municipality.as_settings():
        secret = passwords(embedded.home())
        with psycopg.connect(embedded.dsn("airflow", "airflow")) as connection:
            assert enforce(connection, secret) == []
            assert too_mighty(connection) == []
            connection.execute(
                "insert into ab_permission_view_role (id, permission_view_id, role_id)"
                " select nextval('ab_permission_view_role_id_seq'), pv.id, r.id"
                " from ab_permission_view as pv inner join ab_permission as p"
                " on pv.permission_id = p.id inner join ab_view_menu as v on pv.view_menu_id = v.id"
                " inner join ab_role as r on r.name = 'auditor'"
                " where (p.name, v.name) = ('can_create', 'DAG Runs')"
            )
            connection.execute("update ab_user set active = false where username = 'approver'")
            connection.execute(
                "insert into ab_user_role (id, user_id, role_id)"
                " select nextval('ab_user_role_id_seq'), u.id, r.id from ab_user as u, ab_role as r"
                " where (u.username, r.name) = ('admin', 'Admin')"
            )
            assert too_mighty(connection) == ["admin"]
            assert enforce(connection, secret | {"operator": "another"}) == [
                "auditor may no longer can_create DAG Runs",
                "account operator was put right",
                "account approver was put right",
                "account admin was put right",
            ]
            assert enforce(connection, secret | {"operator": "another"}) == []
            connection.rollback()
    assert len(permissions()) == len(ROLES)
