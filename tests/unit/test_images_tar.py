"""The tar reader, beside Python's own tarfile and GNU tar, and on broken archives."""

from __future__ import annotations

import io
import stat
import tarfile
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from images_trees import archive, folder, hard, link, member

from minidocker.errors import UsageError
from minidocker.images.archive.member import LINK, Member
from minidocker.images.archive.stream import Stream, shown
from minidocker.images.archive.tar import Archive


def blocks(data: bytes, size: int = 1000) -> Callable[[], bytes]:
    """Return a read() that hands the data out in pieces of odd sizes."""
    file = io.BytesIO(data)
    return lambda: file.read(size)


def read(data: bytes, size: int = 1000) -> list[tuple[Member, bytes]]:
    members = Archive(Stream(blocks(data, size), "x.tar"))
    found = []
    for one in members:
        found.append((one, b"".join(members.data())))
    return found


KINDS = {
    tarfile.REGTYPE: stat.S_IFREG, tarfile.LNKTYPE: LINK, tarfile.SYMTYPE: stat.S_IFLNK,
    tarfile.CHRTYPE: stat.S_IFCHR, tarfile.DIRTYPE: stat.S_IFDIR, tarfile.FIFOTYPE: stat.S_IFIFO,
}  # fmt: skip

text = st.text(
    st.characters(codec="utf-8", exclude_characters="\0/"), min_size=1, max_size=130
).filter(lambda name: name not in (".", ".."))
paths = st.lists(text, min_size=1, max_size=4).map("/".join)
infos = st.builds(
    member,
    paths,
    st.binary(max_size=1500),
    mode=st.integers(0, 0o7777),
    uid=st.integers(0, 2**32 - 2),
    gid=st.integers(0, 2**32 - 2),
    mtime=st.one_of(st.integers(0, 2**35), st.integers(0, 2**31).map(lambda n: n + 0.5)),
    type=st.sampled_from(sorted(KINDS)),
    linkname=paths,
    devmajor=st.integers(0, 4095),
    devminor=st.integers(0, 2**20 - 1),
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(infos, max_size=6),
    st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]),
    st.integers(1, 3000),
)
def test_reads_what_tarfile_writes(members, format, size) -> None:
    for info, _ in members:
        if not info.isreg():
            info.size = 0
        if format == tarfile.GNU_FORMAT:
            info.mtime = int(info.mtime)  # GNU's format has whole seconds
    found = read(archive(members, format), size)
    assert len(found) == len(members)
    for (info, data), (one, got) in zip(members, found, strict=True):
        assert one.name.rstrip(b"/") == info.name.encode()  # tarfile ends a directory's with "/"
        assert one.kind == KINDS[info.type]
        assert (one.mode, one.uid, one.gid) == (info.mode, info.uid, info.gid)
        assert one.mtime == int(info.mtime * 2) * 10**9 // 2
        if info.isreg():
            assert got == data
        if info.issym() or info.islnk():
            assert one.link == info.linkname.encode()


def test_time_keeps_every_nanosecond() -> None:
    info, data = member("f", b"x")
    info.pax_headers = {"mtime": "1700000000.123456789"}
    assert read(archive([(info, data)]))[0][0].mtime == 1_700_000_000_123_456_789


def test_time_before_1970() -> None:
    info, data = member("f")
    info.pax_headers = {"mtime": "-1.5"}
    assert read(archive([(info, data)]))[0][0].mtime == -1_500_000_000


def test_attributes_may_hold_any_byte() -> None:
    info, data = member("f")
    info.pax_headers = {"SCHILY.xattr.user.a%3Db": "line\nline=\0end"}
    assert read(archive([(info, data)]))[0][0].xattrs == {b"user.a%3Db": b"line\nline=\0end"}


def test_global_header_is_a_default_for_all() -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", pax_headers={"comment": "hi", "uid": "7"}) as tar:
        tar.addfile(member("a")[0])
        tar.addfile(member("b")[0])
    assert [(one.name, one.uid) for one, _ in read(out.getvalue())] == [(b"a", 7), (b"b", 7)]


def test_an_empty_record_takes_its_key_away() -> None:
    data = archive([member("a", b"x", uid=7, pax_headers={"uid": "", "SCHILY.xattr.user.x": ""})])
    [(one, _)] = read(data)
    assert (one.uid, one.xattrs) == (7, {b"user.x": b""})


def test_data_that_nobody_reads_is_skipped() -> None:
    data = archive([member("a", b"x" * 5000), member("b", b"y")])
    assert [one.name for one in Archive(Stream(blocks(data), "x"))] == [b"a", b"b"]


def test_missing_end_mark_is_told() -> None:
    whole = archive([member("a", b"x" * 600)])
    members = Archive(Stream(blocks(whole[:1536]), "x"))  # header and two blocks of data
    assert [one.name for one in members] == [b"a"]
    assert not members.complete
    members = Archive(Stream(blocks(whole), "x"))
    assert [one.name for one in members] == [b"a"]
    assert members.complete


def patched(data: bytes, at: int, new: bytes) -> bytes:
    """Change a header's bytes and make its checksum right again."""
    out = bytearray(data)
    out[at : at + len(new)] = new
    out[148:156] = b" " * 8
    out[148:156] = b"%06o\0 " % sum(out[:512])
    return bytes(out)


ONE = archive([member("a", b"x" * 600)], tarfile.USTAR_FORMAT)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"hello", "is not a tar archive"),
        (b"x" * 5000, "is not a tar archive"),
        (ONE[:300], "is not a tar archive"),
        (ONE[:700], "ends too early"),
        (ONE[:1100], "ends too early"),
        (patched(ONE, 124, b"-0000000001\0"), "is not a number"),
        (patched(ONE, 124, b"\xff" * 12), "below zero"),
        (patched(ONE, 124, b"0o7        \0"), "is not a number"),
        (patched(ONE, 124, b"\x80" + b"\x7f" * 11), "ends too early"),
        (patched(ONE, 156, b"M"), "unknown type"),
        (patched(patched(ONE, 156, b"x"), 124, b"77777777777\0"), "extra headers"),
        (patched(ONE, 156, b"x"), "pax record"),
        (ONE[:1536] + b"y" * 512, "is not a number"),
        (ONE[:1536] + b"b" + ONE[1:512], "checksum"),
    ],
)
def test_broken_archives_get_one_sentence(data: bytes, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        read(data)
    assert caught.value.remedy
    assert "x.tar" in caught.value.message


@pytest.mark.parametrize(
    "headers",
    [
        {"mtime": "nan"}, {"mtime": "1e400"}, {"mtime": " "}, {"mtime": "1" * 60},
        {"uid": "-1"}, {"uid": "1_0"}, {"size": "9" * 30},
        {"GNU.sparse.major": "1", "GNU.sparse.realsize": "5"},
        {"GNU.sparse.map": "0,1,0,1", "GNU.sparse.size": "9"},
        {"GNU.sparse.map": "0,1,5,-1", "GNU.sparse.size": "9"},
        {"GNU.sparse.map": "0,600", "GNU.sparse.size": "10"},
        {"GNU.sparse.map": f"{2**60},600", "GNU.sparse.size": str(2**61)},
    ],
)  # fmt: skip
def test_hostile_pax_values_get_one_sentence(headers: dict[str, str]) -> None:
    info, data = member("a", b"x" * 600)
    info.pax_headers = headers
    with pytest.raises(UsageError, match="damaged"):
        read(archive([(info, data)]))


def test_a_chain_of_headers_may_be_long() -> None:
    out = io.BytesIO()
    info, _ = member("n" * 300, type=tarfile.SYMTYPE, linkname="l" * 300)
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
        tar.addfile(info)
    [(one, _)] = read(out.getvalue())
    assert (one.name, one.link) == (b"n" * 300, b"l" * 300)


def test_old_directories_and_repeated_sizes() -> None:
    v7 = patched(archive([member("d/")], tarfile.USTAR_FORMAT), 156, b"\0")
    assert read(v7)[0][0].kind == stat.S_IFDIR
    both = bytearray(archive([member("a"), hard("b", "a"), member("c")], tarfile.USTAR_FORMAT))
    header = patched(bytes(both[512:1024]), 124, b"00000001000\0")
    assert [one.name for one, _ in read(bytes(both[:512]) + header + bytes(both[1024:]))] == [
        b"a", b"b", b"c",
    ]  # fmt: skip


def test_extra_headers_are_bounded_together() -> None:
    for kind in (b"x", b"g"):
        start = tarfile.TarInfo.create_pax_global_header({"a": "v" * 400_000})
        start = patched(start[:512], 156, kind) + start[512:]
        assert [one.name for one, _ in read(start * 2 + ONE)] == [b"a"]
        with pytest.raises(UsageError, match="extra headers"):
            read(start * 3 + ONE)
    x = patched(start[:512], 156, b"x") + start[512:]
    assert len(read((x + ONE[:1536]) * 4)) == 4  # but each member may have some


@pytest.mark.parametrize("text", [b"1" * 30, b"9" * 600, b"2\n1\n" + b"1" * 3000, b"-1\n", b"x\n"])
def test_a_sparse_map_of_no_numbers(text: bytes) -> None:
    info, data = member("a", text.ljust(4096, b"0"))
    info.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.realsize": "5000"}
    with pytest.raises(UsageError, match=r"not a number|no numbers"):
        read(archive([(info, data)]))


def test_names_are_shown_on_one_line() -> None:
    assert shown(b"a\nb\xff") == r"'a\nb\xff'"
    assert len(shown(b"x" * 5000)) < 110


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_no_flipped_byte_raises_anything_else(data) -> None:
    good = bytearray(
        archive(
            [folder("d"), member("d/f" * 60, b"abc"), link("l", "d"), hard("h", "l")],
            data.draw(st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])),
        )
    )
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(good) // 2))
        good[at] = data.draw(st.integers(0, 255))
        start = at - at % 512
        if data.draw(st.booleans()):  # and with a checksum that is right again
            good[start : start + 512] = patched(bytes(good[start : start + 512]), 0, b"")
    try:
        read(bytes(good))
    except UsageError:
        pass
