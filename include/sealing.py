"""Files encrypted where they lie: AES-256-GCM in pieces, to be written as a stream, read anywhere.

A sealed file is a header (format, name of the key, salt) and pieces of 64 KiB, each with a tag of
its own. It is encrypted with a key made of ours and its salt, so that a piece's number is nonce
enough. The last piece is marked as the last: a file that is cut off, lengthened or put together
from others does not open, and neither does one piece of it at another place.
"""

from __future__ import annotations

import hashlib
import io
import os
import secrets
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import IO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from include.errors import SealedFileDamaged, SealingKeyMissing
from include.settings import settings

SUFFIX = ".sealed"
_FORMAT = b"sealed1\n"
_NAME, _SALT = 8, 32
_HEADER = len(_FORMAT) + _NAME + _SALT
_PIECE, _TAG = 1 << 16, 16
_KEY_BYTES = 32
_HOW = "name a file with a key a line in WAREHOUSE_LANDING_KEY_FILE (the first seals, all open);"
_MAKE = "./warehouse landing new-key FILE makes one."


def new_key() -> str:
    """A key, as it stands in a file of keys."""
    return secrets.token_hex(_KEY_BYTES)


def keys() -> tuple[bytes, ...]:
    """The keys of the settings, the one that seals first; empty where landing is not encrypted.

    Raises SealingKeyMissing where the file is not there or holds something else.
    """
    return _keys(settings().landing_key, settings().landing_key_file)


@cache
def _keys(given: str, file: str) -> tuple[bytes, ...]:
    lines = given.split()
    if file:
        try:
            lines += Path(file).expanduser().read_text(encoding="utf-8").split()
        except (OSError, UnicodeError):
            raise SealingKeyMissing(
                "WAREHOUSE_LANDING_KEY_FILE cannot be read.", file=file, remedy=f"{_HOW} {_MAKE}"
            ) from None
        if not lines:
            raise SealingKeyMissing("there is no key in it.", file=file, remedy=f"{_HOW} {_MAKE}")
    try:
        found = tuple(bytes.fromhex(line) for line in lines)
    except ValueError:
        found = (b"",)
    if any(len(key) != _KEY_BYTES for key in found):
        raise SealingKeyMissing(
            f"a key of landing is not {2 * _KEY_BYTES} hexadecimal digits.",
            file=file or None,
            remedy=f"{_HOW} {_MAKE}",
        )
    return found


def key_name(key: bytes) -> str:
    """By which a file says what it was sealed with; it gives nothing of the key away."""
    return hashlib.sha256(b"name of a landing key\n" + key).hexdigest()[: 2 * _NAME]


def seal(chunks: Iterable[bytes], target: IO[bytes], key: bytes) -> None:
    """Write a stream encrypted; memory does not grow with it."""
    header = _FORMAT + bytes.fromhex(key_name(key)) + os.urandom(_SALT)
    cipher = _cipher(key, header)
    target.write(header)
    rest, number = bytearray(), 0
    for chunk in chunks:
        rest += chunk
        while len(rest) > _PIECE:  # what may be the last piece is kept back
            target.write(cipher.encrypt(_nonce(number, False), rest[:_PIECE], header))
            del rest[:_PIECE]
            number += 1
    target.write(cipher.encrypt(_nonce(number, True), rest, header))


def sealed_with(path: Path) -> str:
    """Name of the key that a sealed file wants. Raises SealedFileDamaged."""
    with path.open("rb") as file:
        return _key_of(file.read(_HEADER), path)


class Sealed(io.RawIOBase):
    """The plain bytes of a sealed file, to be read from anywhere; ``size`` is how many there are.

    Raises SealingKeyMissing without its key, SealedFileDamaged where a byte of it was changed.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        try:
            self._path = path
            self._header = self._file.read(_HEADER)
            wanted = _key_of(self._header, path)
            own = {key_name(key): key for key in keys()}
            if wanted not in own:
                raise SealingKeyMissing(
                    f"it was sealed with the key named {wanted}, and "
                    + (f"ours are named {', '.join(own)}." if own else "no key is set."),
                    file=path.name,
                    remedy=f"{_HOW} add the key that it was sealed with.",
                )
            self._cipher = _cipher(own[wanted], self._header)
            body = os.fstat(self._file.fileno()).st_size - _HEADER
            self._pieces = max(1, -(-body // (_PIECE + _TAG)))
            self.size = body - self._pieces * _TAG
            self._at, self._number, self._piece = 0, -1, b""
        except BaseException:
            self._file.close()
            raise

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        number, within = divmod(min(self._at, max(self.size, 0)), _PIECE)
        found = self._opened(min(number, self._pieces - 1))
        if number == self._pieces:  # the end of a last piece that is full
            return 0
        given = found[within : within + len(view)]
        view[: len(given)] = given
        self._at += len(given)
        return len(given)

    def close(self) -> None:
        self._file.close()
        super().close()

    def _opened(self, number: int) -> bytes:
        if number != self._number:
            self._file.seek(_HEADER + number * (_PIECE + _TAG))
            nonce = _nonce(number, number == self._pieces - 1)
            try:
                self._piece = self._cipher.decrypt(
                    nonce, self._file.read(_PIECE + _TAG), self._header
                )
            except InvalidTag:
                raise _damaged(self._path) from None
            self._number = number
        return self._piece


def _cipher(key: bytes, header: bytes) -> AESGCM:
    own = HKDF(SHA256(), _KEY_BYTES, salt=header[-_SALT:], info=b"a file of landing").derive(key)
    return AESGCM(own)


def _nonce(number: int, is_last: bool) -> bytes:
    return number.to_bytes(8, "big") + bytes(3) + bytes([is_last])


def _key_of(header: bytes, path: Path) -> str:
    if len(header) != _HEADER or not header.startswith(_FORMAT):
        raise _damaged(path)
    return header[len(_FORMAT) : len(_FORMAT) + _NAME].hex()


def _damaged(path: Path) -> SealedFileDamaged:
    return SealedFileDamaged(
        "the encrypted file was changed or cut off.",
        file=path.name,
        remedy="restore it from a backup; nothing of it was taken.",
    )
