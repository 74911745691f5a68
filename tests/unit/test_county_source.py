"""County folders, on disk and behind a real SFTP server."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import asyncssh
import pytest

from include.errors import ConfigurationMissing, DeliveryMissing, SourceUnavailable
from include.settings import settings
from include.simulator.sftp_server import USER, known_host, serve
from include.sources.county import fetch, fetch_new
from tests.unit.landed import COUNTY, HEADER, NAME, PERIOD, csv_bytes, row

SOUND = csv_bytes([HEADER, row(1)])
PASSWORD = "pass/word@:"


@pytest.fixture
def drop(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder below which counties deliver."""
    folder = home / "drop"
    folder.mkdir()
    monkeypatch.setenv("WAREHOUSE_COUNTY_URL", f"file://{folder}/")
    settings.cache_clear()
    return folder


def put(drop: Path, name: str, content: bytes = SOUND, *, minute: int = 0) -> None:
    path = drop / PERIOD / COUNTY / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    moment = datetime(2026, 3, 1, 8, minute, tzinfo=UTC).timestamp()
    os.utime(path, (moment, moment))


def test_every_file_of_a_contract_is_landed_oldest_first(drop: Path) -> None:
    put(drop, "5-帮扶措施-更正.csv", b"b", minute=3)
    put(drop, "5-帮扶措施.xlsx", b"a", minute=1)
    put(drop, "1-户信息-2户.CSV", b"d", minute=2)
    put(drop, "2-家庭成员.xls", b"c", minute=2)
    landed = fetch(PERIOD, COUNTY)
    assert [(each.file_name, each.kind) for each in landed] == [
        ("5-帮扶措施.xlsx", "county_measure"),
        ("1-户信息-2户.CSV", "county_household"),
        ("2-家庭成员.xls", "county_person"),
        ("5-帮扶措施-更正.csv", "county_measure"),
    ]
    assert [each.path.read_bytes() for each in landed] == [b"a", b"d", b"c", b"b"]
    first = landed[0]
    assert (first.source, first.county_code, first.period) == ("county", COUNTY, PERIOD)
    assert first.modified_at == datetime(2026, 3, 1, 8, 1, tzinfo=UTC)
    assert first.uri == f"file://{drop}/{PERIOD}/{COUNTY}/5-帮扶措施.xlsx"


def test_files_of_no_contract_are_counted_and_not_named(
    drop: Path, caplog: pytest.LogCaptureFixture
) -> None:
    put(drop, "5-帮扶措施.csv")
    for name in (f"{NAME}-低保.jpg", "5-帮扶措施.csv.filepart", "~$5-帮扶措施.xlsx", "说明.txt"):
        put(drop, name)
    (drop / PERIOD / COUNTY / "5-帮扶措施.csv.d").mkdir()
    with caplog.at_level(logging.WARNING):
        assert [each.file_name for each in fetch(PERIOD, COUNTY)] == ["5-帮扶措施.csv"]
    assert "4 files" in caplog.text
    assert NAME not in caplog.text


def test_a_link_in_the_drop_is_not_followed(drop: Path, home: Path) -> None:
    put(drop, "5-帮扶措施.csv")
    secret = home / "elsewhere.csv"
    secret.write_bytes(b"not delivered")
    (drop / PERIOD / COUNTY / "1-户信息.csv").symlink_to(secret)
    assert [each.file_name for each in fetch(PERIOD, COUNTY)] == ["5-帮扶措施.csv"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("5-帮扶措施\n2026 ERROR.csv", "5-帮扶措施_2026 ERROR.csv"),
        ("5-帮扶措施..\\..\\x.csv", "x.csv"),
        ("5-帮扶措施431099199001010012.csv", "5-帮扶措施….csv"),
    ],
)
def test_odd_names_are_made_plain(drop: Path, name: str, shown: str) -> None:
    put(drop, name)
    (landed,) = fetch(PERIOD, COUNTY)
    assert (landed.file_name, landed.uri.rpartition("/")[2]) == (shown, shown)
    assert landed.kind == "county_measure"
    known = {(landed.uri, landed.bytes, landed.modified_at)}
    assert fetch_new(PERIOD, COUNTY, known, datetime(2026, 4, 1, tzinfo=UTC)) == []


@pytest.mark.parametrize("names", [None, [], ["说明.docx"]], ids=["no folder", "empty", "unknown"])
def test_nothing_delivered(drop: Path, names: list[str] | None) -> None:
    if names is not None:
        (drop / PERIOD / COUNTY).mkdir(parents=True)
        for name in names:
            put(drop, name)
    with pytest.raises(DeliveryMissing, match=f"{COUNTY} has delivered nothing for {PERIOD}"):
        fetch(PERIOD, COUNTY)


def test_an_empty_file_is_a_delivery(drop: Path) -> None:
    put(drop, "5-帮扶措施.csv", b"")
    assert [each.bytes for each in fetch(PERIOD, COUNTY)] == [0]


def test_no_address(home: Path) -> None:
    with pytest.raises(ConfigurationMissing, match="COUNTY_URL"):
        fetch(PERIOD, COUNTY)


@contextmanager
def sftp_server(root: Path) -> Iterator[int]:
    """A server over ``root`` in a thread, whose host key is known; its port."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    acceptor = asyncio.run_coroutine_threadsafe(serve("127.0.0.1", 0, root, PASSWORD), loop).result(
        30
    )
    port = acceptor.get_port()
    known = root.parent / "known_hosts"
    known.write_text(known_host(root, f"[127.0.0.1]:{port}"))
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("WAREHOUSE_SFTP_KNOWN_HOSTS", str(known))
            yield port
    finally:

        async def close() -> None:
            # Not wait_closed(): since Python 3.12.1 it waits for clients, refused ones too.
            acceptor.close()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for each in others:  # a client that was refused does not hang up by itself
                each.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(close(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)
        loop.close()


def point_at(monkeypatch: pytest.MonkeyPatch, port: int, password: str = PASSWORD) -> None:
    address = f"sftp://{USER}@127.0.0.1:{port}/"
    monkeypatch.setenv("WAREHOUSE_COUNTY_URL_OVERRIDES", json.dumps({COUNTY: address}))
    monkeypatch.setenv("WAREHOUSE_SFTP_PASSWORD", password)
    settings.cache_clear()


def test_sftp_gives_what_the_folder_gives(drop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(drop, "5-帮扶措施-更正.csv", SOUND + b"x" * 3_000_000, minute=2)
    put(drop, "5-帮扶措施.csv", minute=1)
    local = fetch(PERIOD, COUNTY)
    with sftp_server(drop) as port:
        point_at(monkeypatch, port)
        remote = fetch(PERIOD, COUNTY)
    assert [(r.file_name, r.sha256, r.modified_at) for r in remote] == [
        (each.file_name, each.sha256, each.modified_at) for each in local
    ]
    assert remote[0].uri == f"sftp://127.0.0.1:{port}/{PERIOD}/{COUNTY}/5-帮扶措施.csv"


def test_sftp_without_the_folder(drop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with sftp_server(drop) as port:
        point_at(monkeypatch, port)
        with pytest.raises(DeliveryMissing):
            fetch(PERIOD, COUNTY)


def test_sftp_refuses_the_password(drop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(drop, "5-帮扶措施.csv")
    with sftp_server(drop) as port:
        point_at(monkeypatch, port, "wrong-word")
        with pytest.raises(SourceUnavailable, match="AuthenticationException") as refusal:
            fetch(PERIOD, COUNTY)
    assert "wrong-word" not in str(refusal.value)
    assert f"{USER}@" not in str(refusal.value)


def test_sftp_does_not_answer(drop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with sftp_server(drop) as port:
        pass
    point_at(monkeypatch, port)
    with pytest.raises(SourceUnavailable, match=f"the drop of county {COUNTY} does not answer"):
        fetch(PERIOD, COUNTY)


def test_sftp_that_comes_back_is_connected_to_anew(
    drop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(drop, "5-帮扶措施.csv")
    for _ in range(2):
        with sftp_server(drop) as port:
            point_at(monkeypatch, port)
            assert len(fetch(PERIOD, COUNTY)) == 1


def test_sftp_of_a_server_that_nobody_knows(drop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the host key nothing is sent, the password least of all; with it, all goes."""
    put(drop, "5-帮扶措施.csv")
    with sftp_server(drop) as port:
        point_at(monkeypatch, port)
        known = settings().sftp_known_hosts
        line = known.read_text()
        for content in ("", line.replace(str(port), "1"), None):
            known.unlink()
            if content is not None:
                known.write_text(content)
            with pytest.raises(SourceUnavailable, match="shows a host key, and none is known"):
                fetch(PERIOD, COUNTY)
        known.write_text(line)
        assert len(fetch(PERIOD, COUNTY)) == 1


def test_sftp_of_a_server_that_another_took_the_place_of(
    drop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(drop, "5-帮扶措施.csv")
    with sftp_server(drop) as port:
        point_at(monkeypatch, port)
        known = settings().sftp_known_hosts
        key = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
        known.write_text(f"[127.0.0.1]:{port} {key}")
        with pytest.raises(SourceUnavailable, match="another host key than the one that is known"):
            fetch(PERIOD, COUNTY)


def test_a_chain_of_urls_does_not_get_round_the_host_keys(
    drop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sftp_server(drop) as port:
        point_at(monkeypatch, port)
        address = f"simplecache::sftp://{USER}@127.0.0.1:{port}/"
        monkeypatch.setenv("WAREHOUSE_COUNTY_URL_OVERRIDES", json.dumps({COUNTY: address}))
        settings.cache_clear()
        with pytest.raises(ConfigurationMissing, match="chain of URLs"):
            fetch(PERIOD, COUNTY)
