"""Ways to ask a service whether it does its work. Each returns at once, True or False."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from datetime import UTC, datetime

import httpx
import psycopg

Check = Callable[[float], bool]
"""Given the process's start (seconds since 1970): a predecessor's traces do not count."""

_TIMEOUT = 3.0


def answers_http(url: str, trust: ssl.SSLContext | bool = True) -> Check:
    """Any HTTP answer but a server error; with HTTPS from whom ``trust`` believes."""

    def check(started: float) -> bool:
        try:
            return httpx.get(url, timeout=_TIMEOUT, trust_env=False, verify=trust).status_code < 500
        except httpx.HTTPError:
            return False

    return check


def greets(host: str, port: int, greeting: bytes) -> Check:
    """A TCP server that speaks first, as SSH does."""

    def check(started: float) -> bool:
        try:
            with socket.create_connection((host, port), timeout=_TIMEOUT) as connection:
                return connection.recv(len(greeting)) == greeting
        except OSError:
            return False

    return check


def connects_to_postgres(dsn: str) -> Check:
    """A session of the given account; a server that still starts or recovers refuses it."""

    def check(started: float) -> bool:
        try:
            with psycopg.connect(dsn, connect_timeout=int(_TIMEOUT)):
                return True
        except psycopg.OperationalError:
            return False

    return check


def beats_in_airflow(api_url: str, job: str, trust: ssl.SSLContext | bool = True) -> Check:
    """The heartbeat Airflow's API reports: of scheduler, triggerer or dag_processor."""

    def check(started: float) -> bool:
        try:
            answer = httpx.get(
                f"{api_url}/api/v2/monitor/health",
                timeout=_TIMEOUT,
                trust_env=False,
                verify=trust,
            )
            state = answer.json().get(job) or {}
        except (httpx.HTTPError, ValueError):
            return False
        latest = state.get(f"latest_{job}_heartbeat")
        if state.get("status") != "healthy" or not latest:
            return False
        beat = datetime.fromisoformat(latest)
        return (beat if beat.tzinfo else beat.replace(tzinfo=UTC)).timestamp() >= started

    return check
