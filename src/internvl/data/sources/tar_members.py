"""The members of a tar shard, from one pass over its headers, with damage and forged headers noticed.

shard --members--> TarInfo of each regular file          missing_end --> what stands there instead of the block of zeros at the end
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator

DAMAGE = (tarfile.TarError, OSError, ValueError, OverflowError)
"""What tarfile raises on files that are cut off or no tar files."""


def members(shard: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Regular files, one after the other. Raises tarfile.TarError where the shard stops making sense."""
    last = -1
    while (member := shard.next()) is not None:
        shard.members.clear()  # type: ignore[attr-defined]  # tarfile would keep an object for each
        # A forged size can lead back to where the shard was read already, for ever.
        if member.size < 0 or member.offset <= last:
            raise tarfile.ReadError(f"the header at byte {member.offset} gives an impossible size")
        last = member.offset
        if member.isreg() and not member.issparse():
            yield member


def missing_end(shard: tarfile.TarFile) -> str | None:
    """tarfile takes any nonsense behind a member for the end; a real end is a block of zeros."""
    assert shard.fileobj is not None
    shard.fileobj.seek(shard.offset)
    block = shard.fileobj.read(tarfile.BLOCKSIZE)
    return None if block == tarfile.NUL * tarfile.BLOCKSIZE else f"neither a header nor the end stands at byte {shard.offset}"


def split_name(name: str) -> tuple[str, str]:
    """`a/0007.0.jpg` is a member `jpg` of the sample `a/0007`."""
    folder, slash, base = name.rpartition("/")
    key, _, suffix = base.partition(".")
    return folder + slash + key, suffix.rpartition(".")[2].lower()
