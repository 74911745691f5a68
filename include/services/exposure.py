"""Whether services may listen beyond this machine: with TLS or SSH, or where someone says so."""

from __future__ import annotations

import os
from collections.abc import Iterable

from include.errors import ServiceFailed
from include.services import embedded
from include.services.catalogue import Service
from include.transport import is_loopback

ACKNOWLEDGED = "WAREHOUSE_BIND_ACKNOWLEDGED"
"""Set by who opens plain services on purpose: a network of their own or a firewall closes them."""


def refuse_open(services: Iterable[Service]) -> None:
    """Raises ServiceFailed, naming them, where services would listen openly in plain text."""
    listen = embedded.bind_address()
    if is_loopback(listen) or os.environ.get(ACKNOWLEDGED) == "1":
        return
    plain = [service.name for service in services if service.port and not service.protected]
    if plain:
        raise ServiceFailed(
            f"WAREHOUSE_BIND={listen} would open {', '.join(plain)} to the network in plain text.",
            remedy="leave it out to listen on this machine alone; set WAREHOUSE_TLS_CERTIFICATE and"
            " WAREHOUSE_TLS_KEY for Airflow and the pages, and name real systems for the others;"
            f" or set {ACKNOWLEDGED}=1 where a firewall or a network of their own closes them.",
        )
