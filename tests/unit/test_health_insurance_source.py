"""The API's client against a real HTTP server whose answers the test scripts."""

from __future__ import annotations

import json
import logging
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from include.errors import ConfigurationMissing, SourceUnavailable
from include.landing import Landed
from include.settings import settings
from include.sources import health_insurance
from include.sources.health_insurance import Patience
from tests.unit.landed import NAME

QUICK = Patience(attempts=3, first_wait_s=0.0, longest_wait_s=0.0, longest_told_s=5.0)
PERIOD, KIND, PAGES = "2026-02", "yb_settle", 4
PARTS = Path("landing/parts/health_insurance") / KIND / PERIOD


@dataclass
class Answer:
    """What the server does to one request instead of serving it."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"{}"
    hang_up_after: int | None = None
    """Bytes of the true page after which the connection is cut."""


@dataclass
class Api:
    """A server with ``PAGES`` pages and a script: page number -> answers to give first."""

    script: dict[int, list[Answer]] = field(default_factory=dict)
    served: list[int] = field(default_factory=list)
    """Pages delivered whole, in order."""
    asked: list[int] = field(default_factory=list)
    tokens: int = 0
    token_answers: list[Answer] = field(default_factory=list)
    snapshot: int = 0
    is_down: bool = False

    def page(self, number: int) -> bytes:
        record = {"setl_id": f"S{self.snapshot}-{number}", "psn_name": NAME, "n": "a\nb"}
        following = f"{self.snapshot}:{number + 1}" if number < PAGES else None
        return json.dumps(
            {"data": [record], "next_cursor": following}, ensure_ascii=False, indent=1
        ).encode()

    def whole(self) -> list[dict[str, object]]:
        return [json.loads(self.page(number)) for number in range(1, PAGES + 1)]


def handler(api: Api) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_POST(self) -> None:
            assert self.path == "/oauth2/token"
            form = self.rfile.read(int(self.headers["Content-Length"]))
            assert form == b"grant_type=client_credentials"
            assert self.headers["Authorization"].startswith("Basic ")
            if api.token_answers:
                self._give(api.token_answers.pop(0), b"")
                return
            api.tokens += 1
            token = json.dumps({"access_token": f"token-{api.tokens}"}).encode()
            self._give(Answer(body=token), b"")

        def do_GET(self) -> None:
            if api.is_down:
                self.close_connection = True
                return
            assert self.headers["Authorization"] == f"Bearer token-{api.tokens}"
            address = urlsplit(self.path)
            asked = {name: values[0] for name, values in parse_qs(address.query).items()}
            assert (address.path, asked["period"], asked["limit"]) == (f"/v1/{KIND}", PERIOD, "500")
            snapshot, _, number = asked.get("cursor", f"{api.snapshot}:1").partition(":")
            if int(snapshot) != api.snapshot:
                self._give(Answer(400, body=b'{"detail": "unknown cursor"}'), b"")
                return
            page = api.page(int(number))
            api.asked.append(int(number))
            if answers := api.script.get(int(number)):
                self._give(answers.pop(0), page)
                return
            api.served.append(int(number))
            self._give(Answer(body=page), page)

        def _give(self, answer: Answer, page: bytes) -> None:
            whole = answer.body if answer.hang_up_after is None else page
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(whole)))
            self.end_headers()
            self.wfile.write(whole[: answer.hang_up_after])
            if answer.hang_up_after is not None:
                self.close_connection = True

    return Handler


@pytest.fixture
def api(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    api = Api()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(api))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    monkeypatch.setenv("WAREHOUSE_HEALTH_API_URL", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("WAREHOUSE_HEALTH_CLIENT_SECRET", "client-secret-word")
    settings.cache_clear()
    yield api
    server.shutdown()
    server.server_close()
    thread.join(30)


def extract() -> Landed:
    return health_insurance.extract(PERIOD, KIND, QUICK)


def pages(landed: Landed) -> list[dict[str, object]]:
    return [json.loads(line) for line in landed.path.read_bytes().splitlines()]


def test_all_pages_one_a_line(api: Api, home: Path) -> None:
    landed = extract()
    assert pages(landed) == api.whole()
    assert (landed.file_name, landed.county_code) == ("yb_settle_2026-02.jsonl", "431000")
    assert (api.served, api.tokens) == ([1, 2, 3, 4], 1)
    assert not (home / PARTS).exists()
    assert extract().sha256 == landed.sha256


def test_an_extraction_that_broke_off_is_dropped_as_a_whole(api: Api, home: Path) -> None:
    """Of a page that was taken out alone nobody would know: the next one follows the last."""
    whole = extract()
    api.script = {3: [Answer(503)] * 3}
    with pytest.raises(SourceUnavailable):
        extract()
    assert [page.name for page in health_insurance.kept_pages()] == ["000001.json", "000002.json"]
    health_insurance.drop_pages(lambda page: page.name == "000003.json")
    assert len(list(health_insurance.kept_pages())) == 2
    health_insurance.drop_pages(lambda page: page.name == "000001.json")
    assert list(health_insurance.kept_pages()) == []
    api.served.clear()
    assert extract().sha256 == whole.sha256
    assert api.served == [1, 2, 3, 4]
    (home / PARTS).with_name(f".{PERIOD}.discarded").mkdir()  # as a kill leaves it
    health_insurance.drop_pages(lambda _: False)
    assert not [path for path in (home / PARTS).parent.iterdir() if path.is_dir()]


def test_a_single_page_without_records(api: Api) -> None:
    api.script = {1: [Answer(body=b'{"data": [], "next_cursor": null}')]}
    assert pages(extract()) == [{"data": [], "next_cursor": None}]


PASSING: dict[str, list[Answer]] = {
    "token expired": [Answer(401)],
    "rate limit": [Answer(429, {"Retry-After": "0"}), Answer(429)],
    "rate limit with a date": [Answer(429, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"})],
    "server error": [Answer(503), Answer(500)],
    "hang up": [Answer(hang_up_after=0), Answer(hang_up_after=20)],
    "half a page": [Answer(body=b'{"data": [{"setl_id": "S1"')],
    "no page": [Answer(body=b"[]"), Answer(body=b'{"data": []}')],
    "broken gzip": [Answer(headers={"Content-Encoding": "gzip"}, body=b"no gzip")],
}


@pytest.mark.parametrize("case", PASSING)
def test_passing_trouble_changes_nothing(api: Api, case: str) -> None:
    undisturbed = extract()
    api.served.clear()
    api.script = {1: list(PASSING[case]), 3: list(PASSING[case])}
    assert extract().sha256 == undisturbed.sha256
    assert api.served == [1, 2, 3, 4]
    assert not any(api.script.values())


def test_retry_after_is_waited_for(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr("tenacity.nap.time.sleep", waits.append)
    api.script = {2: [Answer(429, {"Retry-After": "3"})], 3: [Answer(503)]}
    extract()
    assert waits == [3.0, 0.0]


def test_waits_grow_to_a_limit(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr("tenacity.nap.time.sleep", waits.append)
    api.script = {2: [Answer(503)] * 5}
    health_insurance.extract(PERIOD, KIND, Patience(6, first_wait_s=1, longest_wait_s=4))
    assert waits == [1, 2, 4, 4, 4]


def test_a_long_retry_after_is_left_to_the_task(api: Api) -> None:
    api.script = {2: [Answer(429, {"Retry-After": "3600"})]}
    with pytest.raises(SourceUnavailable, match="come back in 3600 s"):
        extract()
    assert len(pages(extract())) == PAGES
    assert api.served == [1, 2, 3, 4]


BREAKING: dict[str, Callable[[Api], None]] = {
    "server gone": lambda api: api.script.update({3: [Answer(hang_up_after=7)] * 3}),
    "errors": lambda api: api.script.update({3: [Answer(502)] * 3}),
    "always refused": lambda api: api.script.update({3: [Answer(401)] * 3}),
}


@pytest.mark.parametrize("case", BREAKING)
def test_a_broken_off_extraction_goes_on_where_it_was(api: Api, home: Path, case: str) -> None:
    undisturbed = extract()
    api.served.clear()
    api.asked.clear()
    BREAKING[case](api)
    with pytest.raises(SourceUnavailable, match="did not give page 3"):
        extract()
    assert len(list((home / PARTS).glob("*.json"))) == 2
    assert api.served == [1, 2]
    landed = extract()
    assert landed.path.read_bytes() == undisturbed.path.read_bytes()
    assert landed.sha256 == undisturbed.sha256
    assert api.served == [1, 2, 3, 4]
    assert api.asked == [1, 2, 3, 3, 3, 3, 4]


def test_a_server_that_is_down_from_the_start(api: Api, home: Path) -> None:
    api.is_down = True
    with pytest.raises(SourceUnavailable, match="page 1"):
        extract()
    api.is_down = False
    assert pages(extract()) == api.whole()


def test_broken_off_after_the_last_page(
    api: Api, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(health_insurance, "store", full)
        with pytest.raises(OSError, match="No space"):
            extract()
    assert pages(extract()) == api.whole()
    assert api.served == [1, 2, 3, 4]


def test_a_snapshot_that_changed_is_read_from_its_start(api: Api) -> None:
    api.script = {3: [Answer(503)] * 3}
    with pytest.raises(SourceUnavailable):
        extract()
    api.snapshot = 1
    assert pages(extract()) == api.whole()
    assert api.served == [1, 2, 1, 2, 3, 4]


def test_a_snapshot_that_never_holds_still(api: Api, home: Path) -> None:
    stale = Answer(400, body=b'{"detail": "unknown cursor"}')
    api.script = {2: [stale] * 3}
    with pytest.raises(SourceUnavailable, match="changed its data"):
        extract()
    assert pages(extract()) == api.whole()


def test_a_page_damaged_on_our_disk_is_not_used(api: Api, home: Path) -> None:
    (home / PARTS).mkdir(parents=True)
    (home / PARTS / "000001.json").write_bytes(b"")
    assert pages(extract()) == api.whole()


def test_pages_half_removed_are_no_start(
    api: Api, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed while the landed pages are removed, when only the last one is left."""

    def killed(folder: Path) -> None:
        for page in sorted(Path(folder).iterdir())[:-1]:
            page.unlink()
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", killed)
        with pytest.raises(SystemExit):
            extract()
    assert pages(extract()) == api.whole()
    assert not [path for path in (home / "landing" / "parts").rglob("*") if path.is_dir()][2:]


def test_two_at_once_take_turns(api: Api) -> None:
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(extract().sha256)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(found) == 2
    assert len(set(found)) == 1
    assert api.served == [1, 2, 3, 4] * 2


@pytest.mark.parametrize("status", [400, 401])
def test_a_refused_client(api: Api, status: int) -> None:
    api.token_answers = [Answer(status)]
    with pytest.raises(SourceUnavailable, match="refused our client") as refusal:
        extract()
    assert "client-secret-word" not in str(refusal.value)


def test_the_token_s_server_may_be_busy_too(api: Api) -> None:
    api.token_answers = [Answer(503), Answer(body=b"<html>")]
    assert pages(extract()) == api.whole()


@pytest.mark.parametrize("status", [301, 403, 404])
def test_a_month_that_is_not_there(api: Api, status: int) -> None:
    api.script = {1: [Answer(status, {"Location": "http://127.0.0.1:1/"})]}
    with pytest.raises(SourceUnavailable, match=f"answered {status}"):
        extract()
    assert api.asked == [1]


def test_no_value_of_a_page_is_told(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    api.script = {2: [Answer(body=api.page(2)[:-5])] * 3}
    with caplog.at_level(logging.DEBUG), pytest.raises(SourceUnavailable) as refusal:
        extract()
    assert NAME not in f"{refusal.value}{refusal.value.__context__!r}{caplog.text}"


def test_no_address(home: Path) -> None:
    with pytest.raises(ConfigurationMissing, match="HEALTH_API_URL"):
        extract()
