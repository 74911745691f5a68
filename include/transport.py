"""What leaves this machine: which addresses are protected on the way, and whose word is trusted.

An address is *protected* where what goes there is encrypted and the other side has proven who it
is: a certificate of a trusted authority for the host's own name, or a host key that is known. An
address on this machine needs neither. Who may read a mounted folder (``file://``) on its way is
the mount's business.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import Conninfo

from include.errors import ConfigurationMissing, UnprotectedAddress

if TYPE_CHECKING:
    from include.settings import Settings

_log = logging.getLogger(__name__)
_HERE_ALONE = ("", "file", "local")
_PROTECTED = ("https", "sftp", "ssh")
"""Schemes whose clients here always prove the other side: certificates, known host keys."""


@dataclass(frozen=True)
class Address:
    """An address beyond this machine that is not protected, and what it ``lacks``.

    ``setting`` names the variable; ``place`` is host and scheme, never an account.
    """

    setting: str
    place: str
    lacks: str

    def __str__(self) -> str:
        return f"{self.setting} ({self.place}: {self.lacks})"


def unprotected(chosen: Settings) -> list[Address]:
    """The addresses that are neither on this machine nor protected, by the settings' order."""
    return list(_unprotected(chosen))


def demand(chosen: Settings) -> None:
    """Raises UnprotectedAddress, naming each, where WAREHOUSE_REQUIRE_TLS is set; else warns."""
    found = unprotected(chosen)
    if not found:
        return
    named = "; ".join(map(str, found))
    if chosen.require_tls:
        raise UnprotectedAddress(
            f"WAREHOUSE_REQUIRE_TLS is set, and what goes to these is not protected: {named}.",
            remedy="use https, sftp, sslmode=verify-full with sslrootcert, or starttls; "
            "docs/privacy.md says how (Transport and rest).",
        )
    _log.warning(
        "Readable or forgeable on the way: %s. What to do: protect them (docs/privacy.md, Transport"
        " and rest), and set WAREHOUSE_REQUIRE_TLS=1 to have such addresses refused.",
        named,
    )


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine itself."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def trusting(authority: str, setting: str) -> ssl.SSLContext | bool:
    """What an HTTPS or SMTP client trusts: the authority in a PEM file alone, or (True) the public.

    Raises ConfigurationMissing, naming ``setting``, where the file is none.
    """
    if not authority:
        return True
    try:
        return ssl.create_default_context(cafile=authority)
    except (OSError, ssl.SSLError):
        raise ConfigurationMissing(
            f"{setting} is {authority}, which is no readable file of certificates (PEM).",
            remedy="name the file with the authority's certificate.",
        ) from None


def distrust(error: BaseException) -> str | None:
    """Why the other side was not believed, in words of ours; None where it is about another thing.

    Reads what OpenSSL and libpq say while connecting: no row has come from there yet.
    """
    if isinstance(error, psycopg.OperationalError):
        return _libpq_distrusts(str(error))
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError):
            mismatch = seen.verify_code in (62, 64)  # host name, IP address
            return _OTHER_NAME if mismatch else _UNKNOWN_AUTHORITY
        if isinstance(seen, ssl.SSLError):
            return _NO_TLS
        seen = seen.__cause__ or seen.__context__
    return None


_OTHER_NAME = "its certificate is for another host name"
_UNKNOWN_AUTHORITY = "its certificate is of no authority that is trusted here, or is out of date"
_NO_TLS = "it does not speak TLS as it should"


def _libpq_distrusts(said: str) -> str | None:
    for words, why in (
        ("does not match host name", _OTHER_NAME),
        ("certificate verify failed", _UNKNOWN_AUTHORITY),
        ("does not support SSL", _NO_TLS),
        ("root certificate file", "the file that sslrootcert names is not there or no certificate"),
    ):
        if words in said:
            return why
    return None


def _unprotected(chosen: Settings) -> Iterator[Address]:
    for name in type(chosen).model_fields:
        if name.endswith("dsn") and (dsn := getattr(chosen, name)):
            yield from _database(f"WAREHOUSE_{name.upper()}", dsn)
    urls = {
        "WAREHOUSE_COUNTY_URL": [chosen.county_url],
        "WAREHOUSE_COUNTY_URL_OVERRIDES": list(chosen.county_url_overrides.values()),
        "WAREHOUSE_RECEIPT_URL": [chosen.receipt_url],
        "WAREHOUSE_HEALTH_API_URL": [chosen.health_api_url],
        "WAREHOUSE_ALERT_WEBHOOK": [chosen.alert_webhook],
        "WAREHOUSE_AIRFLOW_API_URL": [chosen.airflow_api_url],
    }
    for setting, given in urls.items():
        for url in dict.fromkeys(given):
            yield from _url(setting, url)
    airflow = os.environ.get("WAREHOUSE_HOST_AIRFLOW", "")
    if not (chosen.airflow_api_url or chosen.tls_certificate or is_loopback(airflow or "::1")):
        yield Address("WAREHOUSE_HOST_AIRFLOW", airflow, "no WAREHOUSE_TLS_CERTIFICATE")
    if (
        chosen.alert_email
        and chosen.alert_smtp_security == "none"
        and not is_loopback(chosen.alert_smtp_host)
    ):
        yield Address(
            "WAREHOUSE_ALERT_SMTP_HOST", chosen.alert_smtp_host, "ALERT_SMTP_SECURITY is none"
        )


def _url(setting: str, url: str) -> Iterator[Address]:
    if "::" in url:
        yield Address(setting, "a chain of addresses", "it is not one server")
        return
    parts = urlsplit(url)
    if parts.scheme in (*_HERE_ALONE, *_PROTECTED) or is_loopback(parts.hostname or ""):
        return
    yield Address(setting, f"{parts.scheme}://{parts.hostname or ''}", "no https or sftp")


def _database(setting: str, dsn: str) -> Iterator[Address]:
    """By libpq's own rules: what the URL leaves out comes from its PG* variables and defaults."""
    try:
        given = conninfo_to_dict(dsn)
    except psycopg.ProgrammingError:  # quotes what it could not read
        yield Address(setting, "a database", "this is no libpq address")
        return
    otherwise = {each.keyword.decode(): each.val for each in Conninfo.get_defaults() if each.val}
    parts = {name: value.decode() for name, value in otherwise.items()} | given
    if given.get("service"):
        yield Address(setting, "a service file", "its address cannot be told")
        return
    hosts = str(parts.get("hostaddr") or parts.get("host") or "").split(",")
    away = [host for host in hosts if host and not host.startswith(("/", "@"))]
    away = [host for host in away if not is_loopback(host)]
    if away and parts.get("sslmode") != "verify-full":
        yield Address(setting, f"postgresql://{','.join(away)}", "no sslmode=verify-full")
