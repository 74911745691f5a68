"""Which form a delivered file really has, told by its first bytes: its extension may lie."""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import Literal

from include.errors import UnreadableDelivery
from include.landing import opened

Form = Literal["text", "utf-16", "zip", "ole"]

SUFFIXES = (".csv", ".txt", ".xlsx", ".xls", ".xlsm", ".xlsb", ".ods", ".et")
"""How the names of files that may be deliveries end."""
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OTHER = (
    (b"%PDF-", "a PDF document"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"{\\rtf", "an RTF document"),
    (b"MZ", "a program"),
)
_WORKBOOKS, _ENCRYPTED = ("Workbook", "Book"), "EncryptedPackage"
_OTHER_DOCUMENTS = ("WordDocument", "PowerPoint Document", "VisioDocument")
_CHUNK = 1 << 20
_MARKUP = (b"<!doctype", b"<html", b"<table", b"<?xml", b"<meta", b"<style", b"<head")


def recognise(path: Path, file_name: str) -> Form:
    """The form of a file that may hold a table.

    Raises UnreadableDelivery where it is something else: a web page saved as .xls, a document,
    an encrypted workbook.
    """
    with opened(path) as file:
        head = file.read(1 << 10)
    if head.startswith(_ZIP):
        return "zip"
    if head.startswith(_OLE):
        _demand_workbook(path, file_name)
        return "ole"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    what = next((what for magic, what in _OTHER if head.startswith(magic)), None)
    if head.removeprefix(codecs.BOM_UTF8).lstrip().lower().startswith(_MARKUP):
        what = "a web page or XML text"
    if what:
        raise UnreadableDelivery(
            f"the file is {what}, whatever its name says.",
            code="F03",
            file=file_name,
            remedy="open it in Excel or WPS and save it as .xlsx or as CSV.",
        )
    return "text"


def _demand_workbook(path: Path, file_name: str) -> None:
    """An OLE file is a workbook, an encrypted workbook or another program's document."""
    streams = _streams(path)
    if not streams.isdisjoint(_WORKBOOKS):
        return
    if _ENCRYPTED in streams:
        raise encrypted(file_name)
    if streams.isdisjoint(_OTHER_DOCUMENTS):
        raise UnreadableDelivery(
            "the workbook is cut off or damaged.",
            code="F02",
            file=file_name,
            remedy="open it in Excel or WPS, save it as .xlsx and send it again.",
        )
    raise UnreadableDelivery(
        "the file is an Office document without a workbook in it.",
        code="F03",
        file=file_name,
        remedy="send the workbook itself as .xlsx.",
    )


def _streams(path: Path) -> set[str]:
    """Those streams that an OLE file holds of the ones that tell what it is."""
    names = {
        f"{name}\0".encode("utf-16-le"): name
        for name in (*_WORKBOOKS, _ENCRYPTED, *_OTHER_DOCUMENTS)
    }
    overlap, rest = max(map(len, names)), b""
    found: set[str] = set()
    with opened(path) as file:
        while chunk := file.read(_CHUNK):
            rest += chunk
            found |= {name for written, name in names.items() if written in rest}
            rest = rest[-overlap:]
    return found


def encrypted(file_name: str) -> UnreadableDelivery:
    """The refusal of a workbook that opens only with a password."""
    return UnreadableDelivery(
        "the workbook is encrypted.",
        code="F01",
        file=file_name,
        remedy="save it without a password and send it again.",
    )
