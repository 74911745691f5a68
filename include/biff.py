"""Old .xls files (BIFF): whether one is locked, and the text of those from before Unicode."""

from __future__ import annotations

import struct

from include.forms import encrypted

_RECORD = struct.Struct("<HH")
_BOF, _FILEPASS, _WRITEPROTECT = 0x0809, 0x002F, 0x0086
_WORKBOOK_OF = {0x0600: 16, 0x0500: 8}
"""BIFF version -> length of the record with which its workbook begins."""
_CODEPAGE_GBK = _RECORD.pack(0x0042, 2) + struct.pack("<H", 936)
_CODEPAGE_UTF_16 = _RECORD.pack(0x0042, 2) + struct.pack("<H", 1200)


def demand_unlocked(content: bytes, file_name: str) -> None:
    """Raises UnreadableDelivery where the workbook opens only with a password."""
    for version, length in _WORKBOOK_OF.items():
        bof = _RECORD.pack(_BOF, length) + struct.pack("<HH", version, 0x0005)
        at = content.find(bof)
        if at < 0:
            continue
        at += _RECORD.size + length
        while at + _RECORD.size <= len(content):
            kind, size = _RECORD.unpack_from(content, at)
            if kind == _FILEPASS:
                raise encrypted(file_name)
            if kind != _WRITEPROTECT:
                break
            at += _RECORD.size + size


def with_bytes_as_characters(content: bytes) -> tuple[bytes, str | None]:
    """(the workbook, the codec its texts still need) where texts are GBK bytes, as Excel 95 wrote.

    calamine garbles them; told that they are UTF-16, it gives each byte as one character.
    """
    is_old = _RECORD.pack(_BOF, 8) + struct.pack("<H", 0x0500) in content
    if is_old and _CODEPAGE_GBK in content:
        return content.replace(_CODEPAGE_GBK, _CODEPAGE_UTF_16, 1), "gb18030"
    return content, None
