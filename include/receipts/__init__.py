"""Receipts: what the sender of a delivery is told about it, as a workbook and a page in Chinese."""

from __future__ import annotations

import logging
from pathlib import Path, PurePosixPath

from include.contracts import Source
from include.database import acting_as, connect
from include.errors import SourceUnavailable
from include.receipts.content import lines, receipt, receipts
from include.receipts.model import Line, Receipt
from include.receipts.page import page
from include.receipts.workbook import MOST_LINES, write_workbook
from include.settings import settings
from include.sources.county import open_folder, public

__all__ = [
    "Receipt", "all_lines", "files", "numbers", "receipt", "receipts", "write", "write_due"
]  # fmt: skip

_log = logging.getLogger(__name__)


def numbers(period: str | None = None, county_code: str | None = None) -> list[int]:
    """Numbers of the deliveries of a month or a county, or of all."""
    with connect() as connection:
        return [
            key
            for (key,) in connection.execute(
                "select delivery_id from ops.delivery where period = coalesce(%s, period)"
                " and county_code = coalesce(%s, county_code) order by period, county_code, 1",
                [period, county_code],
            )
        ]


def all_lines(of: Receipt) -> list[Line]:
    """Every finding of a delivery, the gravest first; at most what a worksheet holds."""
    with connect() as connection:
        return list(lines(connection, of, MOST_LINES))


def files(of: Receipt) -> tuple[Path, Path]:
    """Where the workbook and the page of a receipt lie; their names hold the delivery's number."""
    folder = settings().home / "receipts" / of.period / of.county_code
    stem = f"回执-{of.title_zh}-{of.delivery_id}"
    return folder / f"{stem}.xlsx", folder / f"{stem}.html"


@acting_as("loader")
def write(*those: Receipt) -> None:
    """Write (anew) the workbooks and the pages of receipts; ``files`` says where."""
    with connect() as connection:
        for of in those:
            workbook, html = files(of)
            workbook.parent.mkdir(parents=True, exist_ok=True)
            write_workbook(workbook, of, lines(connection, of, MOST_LINES))
            html.write_text(page(of), encoding="utf-8")
        connection.execute(
            "insert into ops.receipt (delivery_id) select unnest(%s::bigint[])"
            " on conflict (delivery_id) do update set written_at = clock_timestamp()",
            [[of.delivery_id for of in those]],
        )


@acting_as("loader")
def write_due(source: Source, period: str) -> list[Receipt]:
    """Write the receipts of all judged deliveries that have none; give counties theirs back.

    A receipts folder that does not answer is no error: its receipts stay due, and the next call
    tries again.
    """
    with connect() as connection:
        unwritten = [
            key
            for (key,) in connection.execute(
                "select delivery_id from ops.delivery inner join ops.acceptance using (delivery_id)"
                " left join ops.receipt as r using (delivery_id)"
                " where source = %s and period = %s and r.delivery_id is null order by 1",
                [source, period],
            )
        ]
    written = receipts(unwritten)
    write(*written)
    if source == "county" and settings().receipt_url:
        _give_back(period)
    return written


def _give_back(period: str) -> None:
    """Put the receipts that are not there yet below WAREHOUSE_RECEIPT_URL, county by county."""
    from paramiko import SSHException

    due: dict[str, list[Receipt]] = {}
    with connect() as connection:
        unreturned = [
            key
            for (key,) in connection.execute(
                "select delivery_id from ops.receipt inner join ops.delivery using (delivery_id)"
                " where source = 'county' and period = %s and returned_at is null",
                [period],
            )
        ]
    for each in receipts(unreturned):
        due.setdefault(each.county_code, []).append(each)
    for county_code, of_county in due.items():
        try:
            _put(period, county_code, of_county)
        except (OSError, EOFError, SSHException, SourceUnavailable) as error:
            _log.warning(
                "the receipts folder of county %s does not answer (%s): %d receipts stay due and"
                " are sent with the next. What to do: check WAREHOUSE_RECEIPT_URL and the account.",
                county_code,
                type(error).__name__,
                len(of_county),
            )


def _put(period: str, county_code: str, of_county: list[Receipt]) -> None:
    root = f"{settings().receipt_url.rstrip('/')}/{period}/{county_code}"
    with open_folder(root) as (filesystem, folder):
        filesystem.makedirs(folder, exist_ok=True)
        for each in of_county:
            for path in files(each):
                filesystem.put_file(str(path), str(PurePosixPath(folder) / path.name))
            with connect() as connection:
                connection.execute(
                    "update ops.receipt set returned_to = %s, returned_at = clock_timestamp()"
                    " where delivery_id = %s",
                    [public(root), each.delivery_id],
                )
