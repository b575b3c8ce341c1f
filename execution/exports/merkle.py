"""A Merkle tree over leaves (RFC 6962, section 2.1): one hash commits to all of them and to their order."""

import hashlib
from collections.abc import Sequence
from typing import Final

LEAF: Final = b"\x00"
NODE: Final = b"\x01"


def file_leaf(name: str, content: bytes) -> bytes:
    """The hash of a file, under its name."""
    return hashlib.sha256(LEAF + b"file\x00" + name.encode() + b"\x00" + content).digest()


def row_leaf(line: str, nonce: bytes) -> bytes:
    """The hash of a row, with a nonce: a price can be guessed from a bare hash."""
    return hashlib.sha256(LEAF + b"row\x00" + nonce + line.encode()).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    left = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(NODE + root(leaves[:left]) + root(leaves[left:])).digest()
