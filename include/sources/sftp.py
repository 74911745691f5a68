"""SFTP drops: only servers whose host key is known are believed, whatever the network says."""

from __future__ import annotations

from typing import Any

from fsspec.implementations.sftp import SFTPFileSystem
from paramiko import BadHostKeyException, MissingHostKeyPolicy, SSHClient

from include.errors import SourceUnavailable
from include.settings import settings


class KnownServer(SFTPFileSystem):
    """fsspec's SFTP, which by itself believes whoever answers. Raises SourceUnavailable."""

    def _connect(self) -> None:
        known = settings().sftp_known_hosts.expanduser()
        self.client = SSHClient()
        self.client.set_missing_host_key_policy(_Stranger())
        try:
            if known.exists():
                self.client.load_host_keys(str(known))
            self.client.connect(self.host, **self.ssh_kwargs)
            self.ftp = self.client.open_sftp()
        except BadHostKeyException:
            self.client.close()
            raise _refusal(self.host, "another host key than the one that is known") from None
        except BaseException:
            self.client.close()
            raise


class _Stranger(MissingHostKeyPolicy):
    def missing_host_key(self, client: Any, hostname: str, key: Any) -> None:
        raise _refusal(hostname, "a host key, and none is known of it")


def _refusal(host: str, shows: str) -> SourceUnavailable:
    return SourceUnavailable(
        f"the SFTP server {host} shows {shows}; nothing was sent to it.",
        file=str(settings().sftp_known_hosts),
        remedy="have the county tell you its key's fingerprint by telephone, compare it with what "
        "ssh-keyscan shows, and put that line into WAREHOUSE_SFTP_KNOWN_HOSTS. A key that has "
        "changed unannounced may be somebody else's server.",
    )
