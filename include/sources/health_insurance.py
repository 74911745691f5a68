"""Health insurance: an HTTP API with OAuth2 client credentials, cursor pages and rate limits."""

from __future__ import annotations

import fcntl
import json
import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt
from tenacity.wait import wait_base, wait_exponential

from include.errors import ConfigurationMissing, SourceUnavailable
from include.landing import Landed, keep, opened, store
from include.months import demand_month
from include.settings import settings
from include.transport import distrust, trusting

CITY = "431000"
_PARTS = Path("parts", "health_insurance")
"""Below landing, by kind and period: the pages of an extraction that is not whole yet."""
_PAGE_SIZE = 500
_TIMEOUT_S = 30.0
_SNAPSHOTS = 3
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Patience:
    """How often a page is asked for, and how long is waited in between (seconds)."""

    attempts: int = 8
    first_wait_s: float = 0.2
    longest_wait_s: float = 20.0
    longest_told_s: float = 300.0
    """A longer Retry-After is left to the task's own retry."""


class _Busy(Exception):
    """A passing refusal: rate limit, server error or broken connection."""

    def __init__(self, why: str, retry_after_s: float | None = None) -> None:
        super().__init__(why)
        self.retry_after_s = retry_after_s


class _StaleCursor(Exception):
    """The server no longer knows a cursor: its snapshot changed under us."""


class _AsTold(wait_base):
    """Wait as long as Retry-After says, else exponentially (seconds)."""

    def __init__(self, patience: Patience) -> None:
        self._otherwise = wait_exponential(
            multiplier=patience.first_wait_s, max=patience.longest_wait_s
        )

    def __call__(self, retry_state: RetryCallState) -> float:
        error = retry_state.outcome.exception() if retry_state.outcome else None
        told = error.retry_after_s if isinstance(error, _Busy) else None
        return told if told is not None else self._otherwise(retry_state)


def extract(period: str, kind: str, patience: Patience | None = None) -> Landed:
    """Land all pages of one kind and period as received, one JSON page a line.

    Each page is kept as it arrives, so an extraction that was broken off (by either side) goes on
    at the first page it lacks and asks for no page twice. The pages are removed once landed: the
    next extraction starts afresh. Two extractions of the same take turns.

    Raises SourceUnavailable, naming the page, when the retries are used up; NotAMonth.
    """
    demand_month(period)  # it is a folder's name and the API's parameter
    if not settings().health_api_url:
        raise ConfigurationMissing(
            "WAREHOUSE_HEALTH_API_URL is not set.", remedy="set it to the API's base address."
        )
    parts = settings().landing / _PARTS / kind / period
    with _turn(parts), _Api(patience or Patience()) as api:
        _complete(api, parts, kind, period)
        path, size, sha256 = store(_lines(parts))
        _discard(parts)
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


def kept_pages() -> Iterator[Path]:
    """The pages of all extractions that broke off, or are at work, in order."""
    for parts in _extractions():
        yield from _pages(parts)


def drop_pages(is_to_go: Callable[[Path], bool]) -> None:
    """Drop the broken-off extractions of which a page is to go, whole: who goes on would ask for
    what follows the last page alone. One at work is waited for."""
    for parts in _extractions():
        with _turn(parts):
            if any(map(is_to_go, _pages(parts))):
                _discard(parts)


def _extractions() -> list[Path]:
    """Their folders, also of those of which nothing but what a kill left is there."""
    found = (settings().landing / _PARTS).glob("*/*")
    return sorted({path.with_name(path.name.removeprefix(".").partition(".")[0]) for path in found})


@contextmanager
def _turn(parts: Path) -> Iterator[None]:
    parts.parent.mkdir(parents=True, exist_ok=True)
    with parts.with_name(f".{parts.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _discarded(parts).exists():  # by a process that was killed over it
            shutil.rmtree(_discarded(parts))
        yield


def _discard(parts: Path) -> None:
    """Remove the pages, all at once: the first ones gone, the last one would look like a start."""
    parts.rename(_discarded(parts))
    shutil.rmtree(_discarded(parts))


def _discarded(parts: Path) -> Path:
    return parts.with_name(f".{parts.name}.discarded")


def _complete(api: _Api, parts: Path, kind: str, period: str) -> None:
    """Fetch the pages that are not in ``parts`` yet; all afresh where their snapshot is gone."""
    for _ in range(_SNAPSHOTS):
        parts.mkdir(exist_ok=True)
        try:
            _fetch(api, parts, kind, period)
        except _StaleCursor:
            _log.warning("%s %s: the API's snapshot changed; starting over", kind, period)
            _discard(parts)
        else:
            return
    raise SourceUnavailable(
        f"the health-insurance API changed its data under {_SNAPSHOTS} attempts to read them.",
        file=f"{kind} {period}",
        remedy="try again when the API's own update has ended.",
    )


def _fetch(api: _Api, parts: Path, kind: str, period: str) -> None:
    have = _pages(parts)
    number = len(have)
    try:
        cursor = _next_cursor(_read(have[-1])) if have else None
    except ValueError:  # the machine went down while it was written
        raise _StaleCursor from None
    while number == 0 or cursor is not None:
        number += 1
        body = api.page(kind, period, cursor, number)
        cursor = _next_cursor(body)
        keep(parts / f"{number:06}.json", body)


def _next_cursor(page: bytes) -> str | None:
    """Where the next page begins; None after the last. Raises ValueError if this is no page."""
    try:
        body = json.loads(page)
    except ValueError:
        body = None  # the decoder's exception carries the page
    if not isinstance(body, dict) or not isinstance(body.get("data"), list):
        raise ValueError("no page")
    match body.get("next_cursor", 0):
        case None:
            return None
        case str(cursor) if cursor:
            return cursor
    raise ValueError("no page")


def _lines(parts: Path) -> Iterator[bytes]:
    """Line breaks within a page's JSON are layout: in strings they are escaped."""
    for page in _pages(parts):
        yield _read(page).replace(b"\r", b" ").replace(b"\n", b" ") + b"\n"


def _pages(parts: Path) -> list[Path]:
    """The pages that are complete, in order; some may be encrypted."""
    return sorted(path for path in parts.glob("[0-9]*.json*"))


def _read(page: Path) -> bytes:
    with opened(page) as file:
        return file.read()


class _Api:
    """The API's client: one connection, one token, renewed when it is refused."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._client = httpx.Client(
            base_url=settings().health_api_url,
            timeout=_TIMEOUT_S,
            follow_redirects=False,
            verify=trusting(settings().health_api_authority, "WAREHOUSE_HEALTH_API_AUTHORITY"),
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
        again = Retrying(
            retry=retry_if_exception_type(_Busy),
            wait=_AsTold(self._patience),
            stop=stop_after_attempt(self._patience.attempts),
            reraise=True,
        )
        try:
            return again(self._get, f"/v1/{kind}", parameters)
        except _Busy as refusal:
            why = str(refusal)
        raise SourceUnavailable(
            f"the health-insurance API did not give page {number} ({why}) "
            f"in {self._patience.attempts} attempts.",
            file=f"{kind} {period}",
            remedy="see that the API runs, then clear this task: it goes on at this page.",
        )

    def _get(self, path: str, parameters: dict[str, Any]) -> bytes:
        if self._token is None:
            self._token = self._authorise()
        response = self._send(
            "GET", path, params=parameters, headers={"Authorization": f"Bearer {self._token}"}
        )
        if response.status_code == httpx.codes.UNAUTHORIZED:
            self._token = None
            raise _Busy("401", 0.0)
        stale = (httpx.codes.BAD_REQUEST, httpx.codes.CONFLICT, httpx.codes.GONE)
        if response.status_code in stale and "cursor" in parameters:
            raise _StaleCursor
        self._check(response)
        try:
            _next_cursor(response.content)
        except ValueError:
            raise _Busy("the answer is no page") from None
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
        try:
            return str(response.json()["access_token"])
        except (ValueError, KeyError, TypeError):
            raise _Busy("the answer is no token") from None

    def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            return self._client.request(method, path, **options)
        except httpx.RequestError as error:
            if why := distrust(error):
                raise SourceUnavailable(
                    f"the health-insurance API is not believed: {why}.",
                    file=path,
                    remedy="check WAREHOUSE_HEALTH_API_URL, and WAREHOUSE_HEALTH_API_AUTHORITY with"
                    " the API's owner; nothing was sent.",
                ) from None
            raise _Busy(type(error).__name__) from None

    def _check(self, response: httpx.Response) -> None:
        code = response.status_code
        if code == httpx.codes.TOO_MANY_REQUESTS or code >= httpx.codes.INTERNAL_SERVER_ERROR:
            text = response.headers.get("Retry-After", "")
            told = float(text) if text.isascii() and text.isdigit() else None
            if told is None or told <= self._patience.longest_told_s:
                raise _Busy(str(code), told)
            raise SourceUnavailable(
                f"the health-insurance API asks to come back in {told:.0f} s.",
                file=response.request.url.path,
                remedy="clear this task then: it goes on where it was.",
            )
        if code != httpx.codes.OK:
            raise SourceUnavailable(
                f"the health-insurance API answered {code}.",
                file=response.request.url.path,
                remedy="check the address and the period; the API may not have this month yet.",
            )
