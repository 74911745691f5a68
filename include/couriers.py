"""Carry notices to people: JSON to a webhook, a mail to addresses. Off unless configured.

Airflow's own notifiers speak for one task instance at a time. Ours speak for the register, say a
thing once whoever noticed it, and keep what a receiver did not take for the next time.
"""

from __future__ import annotations

import logging
import smtplib
import ssl
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from email.message import EmailMessage
from functools import partial
from typing import Any

import httpx
from psycopg import sql
from psycopg.rows import dict_row

from include.database import acting_as, connect
from include.settings import settings
from include.transport import distrust, trusting

_log = logging.getLogger(__name__)
_TIMEOUT_S = 15.0
_KEPT_FOR = timedelta(days=1)
"""How long an unsent notice is tried; what is older is news no more when a receiver is set up."""


@acting_as("operator")
def deliver(now: datetime) -> None:
    """Send what has not been sent, one message per receiver. What fails stays for the next call."""
    if settings().alert_webhook:
        _carry("webhook_at", _post, now)
    if settings().alert_email:
        _carry("email_at", _mail, now)


def _carry(column: str, send: Callable[[list[dict[str, Any]]], None], now: datetime) -> None:
    with connect() as connection, connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(
            sql.SQL(
                "select notice_id, kind, subject, state, period, county_code, what, remedy,"
                " noticed_at from ops.notice where {} is null and state <> 'over'"
                " and noticed_at > %s order by notice_id for update skip locked"
            ).format(sql.Identifier(column)),
            [now - _KEPT_FOR],
        )
        notices = cursor.fetchall()
        if not notices:
            return
        try:
            send(notices)
        except (httpx.HTTPError, smtplib.SMTPException, OSError) as error:
            _log.warning(
                "%d notices could not be sent (%s of %s); they are tried again.",
                len(notices),
                distrust(error) or type(error).__name__,
                column.removesuffix("_at"),
            )
            return
        cursor.execute(
            sql.SQL(
                "update ops.notice set {} = clock_timestamp() where notice_id = any(%s)"
            ).format(sql.Identifier(column)),
            [[notice["notice_id"] for notice in notices]],
        )


def _post(notices: list[dict[str, Any]]) -> None:
    payload = [notice | {"noticed_at": notice["noticed_at"].isoformat()} for notice in notices]
    httpx.post(
        settings().alert_webhook, json={"notices": payload}, timeout=_TIMEOUT_S, verify=_trust()
    ).raise_for_status()


def _mail(notices: list[dict[str, Any]]) -> None:
    chosen = settings()
    counted = Counter(notice["kind"] for notice in notices)
    message = EmailMessage()
    message["Subject"] = "Warehouse: " + ", ".join(f"{n} {kind}" for kind, n in counted.items())
    message["From"] = chosen.alert_email_from
    message["To"] = chosen.alert_email
    message.set_content(
        "\n\n".join(f"{notice['what']}\nWhat to do: {notice['remedy']}" for notice in notices)
    )
    trust = _trust()
    # smtplib's own default believes every certificate.
    context = ssl.create_default_context() if isinstance(trust, bool) else trust
    client = (
        partial(smtplib.SMTP_SSL, context=context)
        if chosen.alert_smtp_security == "ssl"
        else smtplib.SMTP
    )
    with client(chosen.alert_smtp_host, chosen.alert_smtp_port, timeout=_TIMEOUT_S) as server:
        if chosen.alert_smtp_security == "starttls":
            server.starttls(context=context)
        if chosen.alert_smtp_user:
            server.login(chosen.alert_smtp_user, chosen.alert_smtp_password)
        server.send_message(message)


def _trust() -> ssl.SSLContext | bool:
    return trusting(settings().alert_authority, "WAREHOUSE_ALERT_AUTHORITY")
