"""Start, stop and look at the services of the catalogue."""

from __future__ import annotations

import fcntl
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from graphlib import TopologicalSorter
from pathlib import Path

from include.errors import ServiceFailed
from include.services import embedded, postgres, processes
from include.services.catalogue import Service, catalogue, chosen, log_file
from include.services.exposure import refuse_open
from include.services.ports import claim

Notify = Callable[[str, str, str], None]
"""Told (service, state, detail): starting, running, done, failed, stopping, stopped or note."""

_POLL = 0.2
_TAIL_LINES = 15
_LOG_LIMIT = 20 * 1024 * 1024
_LEAST_DISK = 500 * 1024 * 1024


@dataclass(frozen=True)
class ServiceStatus:
    """One line of ``status``; ``state`` is running, starting, stopped, died or external."""

    name: str
    what: str
    state: str
    pid: int | None
    uptime_s: float | None
    address: str
    log: str

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


def start(names: Sequence[str] | None = None, notify: Notify = lambda *_: None) -> None:
    """Start the named services (all where None) and what they need; returns when all are well.

    What runs already is left alone, preparations run each time. Raises ServiceFailed for the first
    that fails; the others stay as they are, so that the next call goes on from there.
    """
    embedded.apply()
    home = embedded.home()
    postgres.open_home(home)
    with _only_one(home):
        _check_disk(home)
        names = None if names is None else list(names)
        running = [s for s in chosen().values() if processes.running(home, s.name)]
        owned = {service.port for service in running if service.port}
        wanted = {service.port for service in chosen(names).values() if service.port}
        _, moved = claim(home, owned, wanted)
        for change in moved:
            notify(change.service, "note", str(change))
        embedded.apply()
        services = chosen(names)
        refuse_open(services.values())
        _start_all(home, services, notify)


def stop(names: Sequence[str] | None = None, notify: Notify = lambda *_: None) -> list[str]:
    """Stop the named services (all where None), the database last; returns those that ran."""
    home = embedded.home()
    if not home.exists():
        return []

    def stop_one(service: Service) -> str | None:
        if processes.running(home, service.name):
            notify(service.name, "stopping", "")
        ran = processes.end(
            home,
            service.name,
            service.stop_signal,
            leader_only=service.leader_only,
            grace=service.grace,
        )
        if ran:
            notify(service.name, "stopped", "")
        return service.name if ran else None

    with _only_one(home):
        named = [s for s in catalogue().values() if names is None or s.name in names]
        # Those at work in the database go together, then the database.
        users = [service for service in reversed(named) if service.name != "postgres"]
        with ThreadPoolExecutor(max_workers=len(users) or 1) as pool:
            stopped = list(pool.map(stop_one, users))
        stopped += [stop_one(service) for service in named if service.name == "postgres"]
    return [name for name in stopped if name]


def status() -> list[ServiceStatus]:
    """How each service is, asked now."""
    home = embedded.home()
    external = embedded.external_services()
    lasting = [service for service in catalogue().values() if not service.once]
    with ThreadPoolExecutor(max_workers=len(lasting)) as pool:
        return list(pool.map(lambda service: _status_of(home, service, external), lasting))


def _status_of(home: Path, service: Service, external: set[str]) -> ServiceStatus:
    found = processes.running(home, service.name)
    if found is not None:
        well = service.check is None or service.check(found.started)
        state = "running" if well else "starting"
    elif service.name in external:
        state = "external"
    else:
        state = "died" if processes.was_started(home, service.name) else "stopped"
    return ServiceStatus(
        service.name,
        service.what,
        state,
        found.pid if found else None,
        round(time.time() - found.started, 1) if found else None,
        service.address if found else "",
        str(log_file(home, service.name)),
    )


def _start_all(home: Path, services: dict[str, Service], notify: Notify) -> None:
    graph = TopologicalSorter(
        {
            service.name: [name for name in service.depends_on if name in services]
            for service in services.values()
        }
    )
    graph.prepare()
    give_up = threading.Event()
    pending: dict[Future[None], str] = {}
    failure: BaseException | None = None
    with ThreadPoolExecutor(max_workers=len(services) or 1) as pool:
        try:
            while graph.is_active() and failure is None:
                for name in graph.get_ready():
                    future = pool.submit(_bring_up, home, services[name], notify, give_up)
                    pending[future] = name
                finished, _ = wait(pending, return_when=FIRST_COMPLETED)
                for future in finished:
                    name = pending.pop(future)
                    failure = failure or future.exception()
                    graph.done(name)
        finally:
            give_up.set()
    if failure is not None:
        raise failure


def _bring_up(home: Path, service: Service, notify: Notify, give_up: threading.Event) -> None:
    began = time.monotonic()
    found = processes.running(home, service.name)
    if found is not None and service.once:
        processes.end(
            home, service.name, service.stop_signal, leader_only=False, grace=service.grace
        )
        found = None
    notify(service.name, "starting", service.what)
    log = log_file(home, service.name)
    process = None
    if found is None:
        if left := processes.end_leftovers(home, service.name):
            notify(service.name, "note", f"ended {left} processes that were left of it")
        try:
            argv, env = service.command(), service.environment()
        except BaseException:
            notify(service.name, "failed", "")
            raise
        _rotate(log)
        offset = log.stat().st_size if log.exists() else 0
        process = processes.launch(home, service.name, argv, env, log)
        found = processes.running(home, service.name)
    else:
        offset = 0
    while not give_up.is_set():
        ended = process.poll() if process is not None else None
        if service.once and ended == 0:
            processes.pid_file(home, service.name).unlink(missing_ok=True)
            notify(service.name, "done", f"{time.monotonic() - began:.1f} s")
            return
        if ended is not None or (process is None and not processes.running(home, service.name)):
            _fail(service, log, offset, f"ended with exit code {ended}", notify)
        if found and service.check and service.check(found.started):
            notify(service.name, "running", f"{time.monotonic() - began:.1f} s")
            return
        if time.monotonic() - began > service.deadline:
            _fail(service, log, offset, f"was not ready within {service.deadline:.0f} s", notify)
        give_up.wait(_POLL)


def _fail(service: Service, log: Path, offset: int, how: str, notify: Notify) -> None:
    notify(service.name, "failed", how)
    with log.open("rb") as file:
        file.seek(offset)
        lines = file.read().decode(errors="replace").strip().splitlines()
    tail = "\n".join(f"    {line}" for line in lines[-_TAIL_LINES:])
    raise ServiceFailed(
        f"{service.name} {how}. The end of its log:\n{tail or '    (empty)'}\n",
        remedy=f"read {log}, mend the cause, then call ./warehouse up again (it keeps what runs).",
    )


def _rotate(log: Path) -> None:
    """Keep one former log, so that logs/ stays bounded."""
    if log.exists() and log.stat().st_size > _LOG_LIMIT:
        log.replace(log.with_suffix(".log.1"))


def _check_disk(home: Path) -> None:
    free = shutil.disk_usage(home).free
    if free < _LEAST_DISK:
        raise ServiceFailed(
            f"Only {free // 1024**2} MB are free on the disk of {home}.",
            remedy="free at least 500 MB there, or move it with WAREHOUSE_HOME.",
        )


@contextmanager
def _only_one(home: Path) -> Iterator[None]:
    """One ``up`` or ``down`` at a time per home; a second waits for the first."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / ".supervisor.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
