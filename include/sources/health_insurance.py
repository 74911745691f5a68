"""Health insurance: an HTTP API with OAuth2 client credentials, cursor pages and rate limits."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt
from tenacity.wait import wait_base, wait_exponential

from include.errors import ConfigurationMissing, SourceUnavailable
from include.landing import Landed, store
from include.settings import settings

CITY = "431000"
_PAGE_SIZE = 500
_ATTEMPTS = 8
_TIMEOUT_S = 30.0
_log = logging.getLogger(__name__)


class _Busy(Exception):
    """A passing refusal: rate limit, server error or broken connection."""

    def __init__(self, why: str, retry_after_s: float | None = None) -> None:
        super().__init__(why)
        self.retry_after_s = retry_after_s


class _StaleCursor(Exception):
    """The server no longer knows a cursor: its snapshot changed under us."""


class _AsTold(wait_base):
    """Wait as long as Retry-After says, else exponentially (seconds)."""

    _otherwise = wait_exponential(multiplier=0.2, max=20)

    def __call__(self, retry_state: RetryCallState) -> float:
        error = retry_state.outcome.exception() if retry_state.outcome else None
        told = error.retry_after_s if isinstance(error, _Busy) else None
        return told if told is not None else self._otherwise(retry_state)


def extract(period: str, kind: str) -> Landed:
    """Land all pages of one kind and period as received, one JSON page a line.

    Each page is kept as it arrives, so an extraction that was broken off (by either side) goes on
    at the first page it lacks and asks for no page twice. The pages are removed once landed: the
    next extraction starts afresh.

    Raises SourceUnavailable, naming the page, when the retries are used up.
    """
    if not settings().health_api_url:
        raise ConfigurationMissing(
            "WAREHOUSE_HEALTH_API_URL is not set.", remedy="set it to the API's base address."
        )
    parts = settings().landing / "parts" / "health_insurance" / kind / period
    parts.mkdir(parents=True, exist_ok=True)
    with _Api() as api:
        try:
            _complete(api, parts, kind, period)
        except _StaleCursor:
            _log.warning("%s %s: the API's snapshot changed; starting over", kind, period)
            shutil.rmtree(parts)
            parts.mkdir(parents=True)
            _complete(api, parts, kind, period)
    path, size, sha256 = store(_lines(parts))
    shutil.rmtree(parts)
    return Landed(
        source="health_insurance",
        kind=kind,
        county_code=CITY,
        period=period,
        uri=f"health_insurance/v1/{kind}?period={period}",
        file_name=f"{kind}_{period}.jsonl",
        path=path,
        bytes=size,
        sha256=sha256,
    )


def _complete(api: _Api, parts: Path, kind: str, period: str) -> None:
    """Fetch the pages that are not in ``parts`` yet."""
    have = sorted(parts.glob("*.json"))
    cursor = json.loads(have[-1].read_bytes())["next_cursor"] if have else None
    if have and cursor is None:
        return
    number = len(have)
    while True:
        body = api.page(kind, period, cursor, number + 1)
        number += 1
        draft = parts / f".{number:06}.part"
        draft.write_bytes(body)
        draft.replace(parts / f"{number:06}.json")
        cursor = json.loads(body)["next_cursor"]
        if cursor is None:
            return


def _lines(parts: Path) -> Iterator[bytes]:
    for page in sorted(parts.glob("*.json")):
        yield page.read_bytes().replace(b"\n", b" ") + b"\n"


class _Api:
    """The API's client: one connection, one token, renewed when it is refused."""

    def __init__(self) -> None:
        self._client = httpx.Client(
            base_url=settings().health_api_url, timeout=_TIMEOUT_S, follow_redirects=False
        )
        self._token: str | None = None

    def __enter__(self) -> _Api:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def page(self, kind: str, period: str, cursor: str | None, number: int) -> bytes:
        """One page's body. Raises SourceUnavailable or _StaleCursor."""
        parameters: dict[str, Any] = {"period": period, "limit": _PAGE_SIZE}
        if cursor:
            parameters["cursor"] = cursor
        try:
            for attempt in Retrying(
                retry=retry_if_exception_type(_Busy),
                wait=_AsTold(),
                stop=stop_after_attempt(_ATTEMPTS),
                reraise=True,
            ):
                with attempt:
                    return self._get(f"/v1/{kind}", parameters)
        except _Busy as refusal:
            raise SourceUnavailable(
                f"the health-insurance API did not give page {number} ({refusal}) "
                f"in {_ATTEMPTS} attempts.",
                file=f"{kind} {period}",
                remedy="see that the API runs, then clear this task: it goes on at this page.",
            ) from None
        raise AssertionError("unreachable")

    def _get(self, path: str, parameters: dict[str, Any]) -> bytes:
        if self._token is None:
            self._token = self._authorise()
        response = self._send(
            "GET", path, params=parameters, headers={"Authorization": f"Bearer {self._token}"}
        )
        if response.status_code == httpx.codes.UNAUTHORIZED:
            self._token = None
            raise _Busy("401", 0.0)
        if response.status_code == httpx.codes.BAD_REQUEST and "cursor" in parameters:
            raise _StaleCursor
        self._check(response)
        return response.content

    def _authorise(self) -> str:
        response = self._send(
            "POST",
            "/oauth2/token",
            data={"grant_type": "client_credentials"},
            auth=(settings().health_client_id, settings().health_client_secret),
        )
        if response.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.BAD_REQUEST):
            raise SourceUnavailable(
                "the health-insurance API refused our client.",
                remedy="check WAREHOUSE_HEALTH_CLIENT_ID and WAREHOUSE_HEALTH_CLIENT_SECRET.",
            )
        self._check(response)
        return str(response.json()["access_token"])

    def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            return self._client.request(method, path, **options)
        except httpx.TransportError as error:
            raise _Busy(type(error).__name__) from None

    @staticmethod
    def _check(response: httpx.Response) -> None:
        code = response.status_code
        if code == httpx.codes.TOO_MANY_REQUESTS or code >= httpx.codes.INTERNAL_SERVER_ERROR:
            told = response.headers.get("Retry-After", "")
            raise _Busy(str(code), float(told) if told.isdigit() else None)
        if code != httpx.codes.OK:
            raise SourceUnavailable(
                f"the health-insurance API answered {code}.",
                file=response.request.url.path,
                remedy="check the address and the period; the API may not have this month yet.",
            )
