"""Which TCP port each embedded service listens on, chosen at first start and then kept."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from include.errors import ServiceFailed

PREFERRED = {"postgres": 5433, "airflow": 8080, "health_api": 8391, "pages": 8392, "sftp": 2222}
_SEARCH = 200


@dataclass(frozen=True)
class Moved:
    """A service whose preferred or former port was taken by someone else."""

    service: str
    wanted: int
    got: int

    def __str__(self) -> str:
        return f"Port {self.wanted} is taken; {self.service} uses {self.got} from now on."


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether nothing listens on ``port``; one whose connections just closed counts as free."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def ports(home: Path) -> dict[str, int]:
    """Service -> port; ``WAREHOUSE_PORT_<SERVICE>`` wins over the recorded one."""
    return _settle(home)[0]


def claim(home: Path, owned: set[str], wanted: set[str]) -> tuple[dict[str, int], list[Moved]]:
    """Ports for a start: like ``ports``, but each ``wanted`` one must be free unless in ``owned``.

    ``wanted`` names what is to be started, ``owned`` what runs already and holds its port itself. A
    recorded port that someone else holds is replaced by the next free one; one set in the
    environment is not.
    Raises ServiceFailed where a fixed port is taken, or a port would move under running services.
    """
    return _settle(home, owned, wanted)


def _settle(
    home: Path, owned: Collection[str] = (), claimed: Collection[str] = ()
) -> tuple[dict[str, int], list[Moved]]:
    home.mkdir(parents=True, exist_ok=True)
    path = home / "ports.json"
    moved: list[Moved] = []
    with (home / ".ports.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        recorded: dict[str, int] = json.loads(path.read_text()) if path.exists() else {}
        chosen: dict[str, int] = {}
        for service, preferred in PREFERRED.items():
            fixed = _fixed(service)
            wanted = fixed or recorded.get(service, preferred)
            must_check = service in claimed or (fixed is None and service not in recorded)
            if must_check and service not in owned and not is_free(wanted):
                if fixed is not None:
                    raise ServiceFailed(
                        f"Port {fixed} of {service} is taken by another process.",
                        remedy=f"stop that process, or set {_variable(service)} to a free port.",
                    )
                if owned:
                    raise ServiceFailed(
                        f"Port {wanted} of {service} is taken by another process, and other "
                        "services run that know it under this port.",
                        remedy="./warehouse down, then ./warehouse up to move to a free port.",
                    )
                # Nor one that a service after this one prefers: nothing listens there yet.
                taken = {*chosen.values(), *recorded.values(), *PREFERRED.values()}
                got = _next_free(wanted, taken)
                moved.append(Moved(service, wanted, got))
                wanted = got
            chosen[service] = wanted
        if chosen != recorded:
            draft = path.with_name(f".ports.json.{os.getpid()}")
            draft.write_text(json.dumps(chosen, indent=1) + "\n")
            draft.replace(path)
    return chosen, moved


def _variable(service: str) -> str:
    return f"WAREHOUSE_PORT_{service.upper()}"


def _fixed(service: str) -> int | None:
    text = os.environ.get(_variable(service), "")
    if not text:
        return None
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise ServiceFailed(
            f"{_variable(service)} is no port number.", remedy="give a number from 1 to 65535."
        )
    return int(text)


def _next_free(after: int, taken: set[int]) -> int:
    for port in range(after + 1, min(after + 1 + _SEARCH, 65536)):
        if port not in taken and is_free(port):
            return port
    raise ServiceFailed(
        f"No free port among the {_SEARCH} after {after}.",
        remedy="stop what holds them, or set the WAREHOUSE_PORT_ variables.",
    )
