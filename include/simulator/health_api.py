"""The simulated health-insurance API: OAuth2, cursor pages, gzip, rate limits, passing faults.

Started with ``uvicorn --factory include.simulator.health_api:create_app``. The same page has the
same bytes each time.
"""

# No postponed annotations here: FastAPI reads the ones of functions made in create_app().
import base64
import binascii
import hmac
import os
import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Self
from zlib import crc32

from fastapi import Depends, FastAPI, HTTPException, Query, Request, Response
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.security import (
    HTTPAuthorizationCredentials,
    HTTPBasic,
    HTTPBasicCredentials,
    HTTPBearer,
)

from include.simulator.health_store import KINDS, open_store

PAGE_SIZE = 500


@dataclass
class Behaviour:
    """How the API behaves; rates per second and shares of requests."""

    home: Path
    client_id: str
    client_secret: str
    token_seconds: float = 600.0
    requests_per_second: float = 40.0
    burst: float = 60.0
    fault_rate: float = 0.03

    @classmethod
    def from_environment(cls) -> Self:
        """Read ``WAREHOUSE_HOME``, the client and ``WAREHOUSE_HEALTH_API_*``."""
        given = os.environ.get
        return cls(
            home=Path(given("WAREHOUSE_HOME", ".state")),
            client_id=given("WAREHOUSE_HEALTH_CLIENT_ID", "rural-revitalization"),
            client_secret=given("WAREHOUSE_HEALTH_CLIENT_SECRET", ""),
            token_seconds=float(given("WAREHOUSE_HEALTH_API_TOKEN_SECONDS", "600")),
            requests_per_second=float(given("WAREHOUSE_HEALTH_API_RATE", "40")),
            burst=float(given("WAREHOUSE_HEALTH_API_BURST", "60")),
            fault_rate=float(given("WAREHOUSE_HEALTH_API_FAULT_RATE", "0.03")),
        )


@dataclass
class _State:
    """Tokens that are good, the rate limiter's bucket, and how many requests there were."""

    behaviour: Behaviour
    tokens: dict[str, float] = field(default_factory=dict)
    bucket: float = 0.0
    filled_at: float = 0.0
    requests: int = 0

    def take(self) -> float:
        """Take one request from the bucket; seconds to wait, 0 where it was there."""
        now = time.monotonic()
        rate = self.behaviour.requests_per_second
        self.bucket = min(self.behaviour.burst, self.bucket + (now - self.filled_at) * rate)
        self.filled_at = now
        if self.bucket >= 1:
            self.bucket -= 1
            return 0.0
        return (1 - self.bucket) / rate


def create_app(behaviour: Behaviour | None = None) -> FastAPI:
    """The application; ``behaviour`` from the environment where None."""
    state = _State(behaviour or Behaviour.from_environment())
    state.bucket = state.behaviour.burst
    state.filled_at = time.monotonic()
    app = FastAPI(title="Health insurance (simulated)", docs_url=None, redoc_url=None)
    app.add_middleware(GZipMiddleware, minimum_size=500)
    basic, bearer = HTTPBasic(), HTTPBearer()

    def authorised(
        given: Annotated[HTTPAuthorizationCredentials, Depends(bearer)],
    ) -> None:
        if state.tokens.get(given.credentials, 0.0) < time.monotonic():
            raise HTTPException(401, "token unknown or expired", {"WWW-Authenticate": "Bearer"})

    @app.get("/healthz")
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.post("/oauth2/token")
    async def token(
        request: Request, client: Annotated[HTTPBasicCredentials, Depends(basic)]
    ) -> dict[str, object]:
        form = (await request.body()).decode()
        if "grant_type=client_credentials" not in form:
            raise HTTPException(400, "unsupported_grant_type")
        known = (state.behaviour.client_id, state.behaviour.client_secret)
        pairs = zip((client.username, client.password), known, strict=True)
        if not all(hmac.compare_digest(a.encode(), b.encode()) for a, b in pairs):
            raise HTTPException(401, "invalid_client")
        issued = secrets.token_urlsafe(24)
        state.tokens[issued] = time.monotonic() + state.behaviour.token_seconds
        return {
            "access_token": issued,
            "token_type": "Bearer",
            "expires_in": state.behaviour.token_seconds,
        }

    @app.get("/v1/{kind}", dependencies=[Depends(authorised)])
    def page(
        kind: str,
        period: str,
        cursor: str = "",
        limit: Annotated[int, Query(ge=1, le=PAGE_SIZE)] = PAGE_SIZE,
    ) -> Response:
        if wait := state.take():
            raise HTTPException(429, "too many requests", {"Retry-After": str(int(wait) + 1)})
        state.requests += 1
        if crc32(str(state.requests).encode()) % 10_000 < state.behaviour.fault_rate * 10_000:
            raise HTTPException(503, "try again")
        if kind not in KINDS:
            raise HTTPException(404, "no such interface")
        start = _position(kind, period, cursor)
        try:
            with open_store(state.behaviour.home) as store:
                if not store.has(kind, period):
                    raise HTTPException(404, "no such period")
                records = store.page(kind, period, start, limit + 1)
        except FileNotFoundError:
            raise HTTPException(404, "no such period") from None
        following = _cursor(kind, period, start + limit) if len(records) > limit else None
        quoted = "null" if following is None else f'"{following}"'
        body = f'{{"data":[{",".join(records[:limit])}],"next_cursor":{quoted}}}'
        return Response(body, media_type="application/json")

    return app


def _cursor(kind: str, period: str, position: int) -> str:
    return base64.urlsafe_b64encode(f"{kind}/{period}/{position}".encode()).decode()


def _position(kind: str, period: str, cursor: str) -> int:
    if not cursor:
        return 0
    try:
        of_kind, of_period, position = base64.urlsafe_b64decode(cursor).decode().split("/")
        if (of_kind, of_period) != (kind, period):
            raise ValueError
        return int(position)
    except (ValueError, binascii.Error):
        raise HTTPException(400, "unknown cursor") from None
