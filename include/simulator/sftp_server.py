"""A real SFTP server over one folder, read-only: ``python -m include.simulator.sftp_server``."""

from __future__ import annotations

import asyncio
import hmac
import os
from pathlib import Path
from typing import Annotated

import asyncssh
import typer

USER = "county"


class _Account(asyncssh.SSHServer):
    """One account with a password; nothing but SFTP."""

    def __init__(self, password: str) -> None:
        self._password = password

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return username == USER and hmac.compare_digest(password, self._password)


class _ReadOnly(asyncssh.SFTPServer):
    """The drop folder as the root of what a client sees; every change is refused."""

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        if pflags & ~asyncssh.FXF_READ:
            raise asyncssh.SFTPPermissionDenied("read-only")
        return super().open(path, pflags, attrs)

    def _refuse(self, *_: object) -> None:
        raise asyncssh.SFTPPermissionDenied("read-only")

    setstat = fsetstat = remove = mkdir = rmdir = rename = symlink = link = posix_rename = _refuse
    lsetstat = _refuse


async def serve(host: str, port: int, root: Path, password: str) -> asyncssh.SSHAcceptor:
    """Listen; the host key is made once and kept beside the sources."""
    key_path = root.parent / "sftp_host_key"
    if not key_path.exists():
        key_path.parent.mkdir(parents=True, exist_ok=True)
        key = asyncssh.generate_private_key("ssh-ed25519")
        descriptor = os.open(key_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(key.export_private_key())
    return await asyncssh.create_server(
        lambda: _Account(password),
        host,
        port,
        server_host_keys=[str(key_path)],
        sftp_factory=lambda channel: _ReadOnly(channel, chroot=str(root).encode()),
        allow_scp=False,
    )


def known_host(root: Path, known_as: str) -> str:
    """The server's line in a ``known_hosts``, under the name by which clients know it."""
    key = asyncssh.read_private_key(str(root.parent / "sftp_host_key"))
    return f"{known_as} {key.export_public_key().decode().strip()}\n"


def main(
    port: Annotated[int, typer.Option()],
    root: Annotated[Path, typer.Option()],
    host: Annotated[str, typer.Option()] = "127.0.0.1",
    known_as: Annotated[str, typer.Option(help="Host and port by which clients know it.")] = "",
) -> None:
    """Serve ROOT until stopped; the password is WAREHOUSE_SFTP_PASSWORD.

    Beside ROOT lies ``known_hosts``, with which clients know the server.
    """

    async def forever() -> None:
        server = await serve(host, port, root, os.environ["WAREHOUSE_SFTP_PASSWORD"])
        if known_as:
            (root.parent / "known_hosts").write_text(known_host(root, known_as))
        await server.wait_closed()

    asyncio.run(forever())


if __name__ == "__main__":
    typer.run(main)
