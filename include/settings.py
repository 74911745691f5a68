"""Everything that differs between machines, read from ``WAREHOUSE_*`` environment variables.

The launcher fills what is unset with the embedded services' addresses
(``include/services/embedded.py``); nothing else in the code knows which it is.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from include import transport

PROJECT_ROOT = Path(__file__).resolve().parent.parent

Secret = Annotated[str, Field(repr=False)]
"""A password, a key or an address that may hold one: not shown where settings are printed."""


DUTIES = {
    "loader": "loader_dsn",
    "transformer": "transformer_dsn",
    "publisher": "publisher_dsn",
    "operator": "operator_dsn",
    "case_worker": "case_worker_dsn",
    "privacy_officer": "privacy_officer_dsn",
    "auditor": "auditor_dsn",
    "bi_city": "bi_dsn",
}
"""What our own processes and commands log in as -> its setting."""


class Settings(BaseSettings):
    """Addresses, secrets and folders. DSNs are libpq URLs; durations say their unit."""

    model_config = SettingsConfigDict(
        env_prefix="WAREHOUSE_", extra="ignore", hide_input_in_errors=True
    )

    require_tls: bool = False
    """Refuse addresses beyond this machine that are not protected (include/transport.py)."""
    tls_certificate: str = ""
    """PEM file with the certificate that Airflow's page and Data Docs show; empty: plain HTTP."""
    tls_key: str = ""
    """PEM file with its key."""
    tls_authority: str = ""
    """PEM file with the authority that issued it, for who asks Airflow; empty: a public one."""

    home: Path = PROJECT_ROOT / ".state"
    """The one folder that holds all state: landing, services' data, logs, Data Docs, receipts."""
    profile: str = "tiny"
    seed: int = 20260101

    dsn: Secret = ""
    """Warehouse database as the account that owns it: migrations and ``access apply`` alone."""
    loader_dsn: Secret = ""
    transformer_dsn: Secret = ""
    publisher_dsn: Secret = ""
    operator_dsn: Secret = ""
    case_worker_dsn: Secret = ""
    privacy_officer_dsn: Secret = ""
    auditor_dsn: Secret = ""
    """Warehouse database as the account of that duty, of the same name (include/access/roles.yml);
    without one, as the owner with SET ROLE."""
    bi_dsn: Secret = ""
    """Warehouse database as bi_city, which reads the marts of the whole city."""
    airflow_dsn: Secret = ""
    airflow_api_url: str = ""
    """Airflow's API where it is not the one that ./warehouse starts."""
    civil_affairs_dsn: Secret = ""
    """Civil-affairs database as the read-only account it gave us."""

    county_url: str = ""
    """fsspec URL of the county drop folder; the folder <period>/<county_code>/ lies below it."""
    county_url_overrides: dict[str, str] = Field(default_factory=dict)
    """county_code -> fsspec URL, for counties that deliver elsewhere (JSON in the environment)."""
    sftp_password: Secret = ""
    sftp_known_hosts: Path = Path("~/.ssh/known_hosts")
    """The host keys of the counties' servers, as OpenSSH keeps them; no other is believed."""
    receipt_url: str = ""
    """fsspec URL below which counties find their receipts, in <period>/<county_code>/; with the
    account of the drop. Empty: receipts stay below ``home``."""

    health_api_url: str = ""
    health_api_authority: str = ""
    """PEM file with the authority of the API's certificate; empty: a public one."""
    health_client_id: str = "rural-revitalization"
    health_client_secret: Secret = ""

    person_key_secret: Secret = ""
    """Secret of the keyed person hashes (include/vault/secrets.py); never in the database."""
    person_key_next_secret: Secret = ""
    """While the keys are rotated: the secret they are made with from then on."""
    person_key_file: Path | None = None
    """File with such secrets, one a line; or JSON, under names that begin with person_key."""
    person_key_variable: str = ""
    """Name of an Airflow variable with such secrets, one a line, in Airflow's secrets backend."""
    erasure_secret: Secret = ""
    """Secret of the hashes by which erased persons are kept out; it is never changed, for what was
    hashed with it is known no more."""

    landing_key: Secret = ""
    """Keys that delivered files are encrypted with (64 hexadecimal digits; the first one seals)."""
    landing_key_file: str = ""
    """A file with such keys, one a line. Neither: files lie as they came."""

    largest_file_mb: int = 4096
    """Delivered files beyond this size are refused."""
    reader_memory_mb: int = 1000
    """Address space of the process that opens a workbook; what needs more is refused."""

    schedule_from: str = ""
    """First month (YYYY-MM) that the schedule fetches by itself; earlier ones come by backfill."""
    alert_webhook: Secret = ""
    """URL that gets each new notice as JSON; empty: none."""
    alert_authority: str = ""
    """PEM file with the authority of the webhook's and mail server's; empty: a public one."""
    alert_email: str = ""
    """Addresses that get new notices, separated by commas; empty: none."""
    alert_email_from: str = "warehouse@localhost"
    alert_smtp_host: str = "127.0.0.1"
    alert_smtp_port: int = 25
    alert_smtp_security: Literal["none", "starttls", "ssl"] = "none"
    alert_smtp_user: str = ""
    alert_smtp_password: Secret = ""
    build_minutes: float = Field(default=240, gt=0)
    """How long after it was queued a month's build may take before people are told."""

    schemas_wait_s: float = Field(default=1800, ge=0)
    """How long a build waits for another that is at work in the working schemas, in seconds."""
    build_tries: int = Field(default=3, ge=1)
    """How often a month is begun by itself when its builds do not come to an end."""

    approval_hours: float = Field(default=4, gt=0)
    """How long a build waits for the approval it needs, and other months for it; an approval that
    comes later has the month built again."""

    watch_minutes: int = Field(default=10, ge=1)
    """How often the counties' drops are looked at for new and corrected files."""
    open_months: int = Field(default=12, ge=1)
    """How many of the latest months a county may still deliver or correct."""
    lookback_days: int = 62
    """How far before a period's first day a civil-affairs extract looks for late changes."""

    @property
    def duty_dsns(self) -> dict[str, str]:
        """Duty -> DSN of its own account, empty where there is none."""
        return {duty: getattr(self, field) for duty, field in DUTIES.items()}

    @property
    def landing(self) -> Path:
        return self.home / "landing"

    @property
    def data_docs(self) -> Path:
        return self.home / "data_docs"

    @property
    def dbt_target(self) -> Path:
        return self.home / "dbt_target"


@cache
def settings() -> Settings:
    """The process's settings; call ``settings.cache_clear()`` after changing the environment.

    Raises UnprotectedAddress where WAREHOUSE_REQUIRE_TLS is set and an address lacks it.
    """
    chosen = Settings()
    transport.demand(chosen)
    return chosen
