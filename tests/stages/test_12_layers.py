"""Checks of lesson 12: layers.

A real overlay makes the upper directory; what it showed is compared with what the learner's
functions give. Hostile archives are applied beside files that must stay as they are.
"""

import io
import os
import tarfile

from looking_at_layers import (
    differences,
    noted,
    plan,
    read,
    same,
    somewhere,
    token,
    tree,
    write,
)

from minidocker.course.outcomes import Fail, compared, good
from minidocker.images.archive.pack import Packer
from minidocker.images.archive.upper import Upper

MOST_BYTES = 1 << 20
WHITEOUT, OPAQUE = ".wh.", ".wh..wh..opq"


# --- commit ------------------------------------------------------------------------------------


def written(one, args):
    """Wait for the learner's layer tar, and read it: name → member, and its data."""
    one.expect("written")
    try:
        data = one.files(1).read(f"{args['place']}/layer.tar")
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            members = archive.getmembers()
            if sum(m.size for m in members) > MOST_BYTES:  # a sparse member can claim any size
                raise ValueError("its members are far larger than what was written")
            return members, {m.name: archive.extractfile(m).read() for m in members if m.isreg()}
    except (OSError, ValueError, OverflowError, tarfile.TarError) as problem:
        raise Fail("MD1207", ran="commit(upper, tar)", text=str(problem)) from None


def in_tar(truth):
    """The names that a layer tar must have for what an upper directory holds."""
    names = set()
    for path, word in truth.items():
        folder, name = os.path.split(path)
        names.add(os.path.join(folder, WHITEOUT + name) if word == "deleted" else path)
        if word == "opaque":
            names.add(os.path.join(path, OPAQUE))
    return names


def test_commit_marks(subject, cell):
    args, _ = plan()
    ran = "commit(upper, tar)"
    with cell("commit", **args) as one:
        one.expect("cast")
        truth = noted(one, f"{args['place']}/upper")
        one.answer()
        members, _ = written(one, args)
        devices = [m.name for m in members if m.ischr() and (m.devmajor, m.devminor) == (0, 0)]
        if devices:
            raise Fail("MD1208", ran=ran, expected="an empty file .wh.NAME",
                       kernel=f"{devices[0]}: the device 0:0")  # fmt: skip
        full = [m.name for m in members if os.path.basename(m.name).startswith(WHITEOUT)
                and (not m.isreg() or m.size)]  # fmt: skip
        if full:
            raise Fail("MD1208", ran=ran, expected="an empty file .wh.NAME",
                       kernel=f"{full[0]}: not an empty file")  # fmt: skip
        names = [os.path.normpath(m.name) for m in members]
        lines = compared(in_tar(truth), set(names) - {"."})
        if not good(lines):
            raise Fail("MD1209", ran=ran, lines=lines)
        first = next((path for path, word in truth.items() if word == "opaque"
                      and any(name.startswith(f"{path}/") and not name.endswith(OPAQUE)
                              for name in names[:names.index(f"{path}/{OPAQUE}")])), None)  # fmt: skip
        if first or any(names.index(path) > names.index(below) for path in truth
                        for below in names if below.startswith(f"{path}/")):  # fmt: skip
            raise Fail("MD1210", ran=ran, kernel=" ".join(names[:12]))
        if len(names) != len(set(names)):
            twice = next(name for name in names if names.count(name) > 1)
            raise Fail("MD1211", ran=ran, name=twice)


def test_commit_files(subject, cell):
    args, n = plan()
    ran, file, other = "commit(upper, tar)", f"{n['new']}/one", f"{n['new']}/two"
    with cell("commit", **args) as one:
        one.expect("cast")
        truth = tree(one, f"{args['place']}/merged")[file]
        upper = tree(one, f"{args['place']}/upper")
        one.answer()
        members, texts = written(one, args)
        if lines := differences(upper, tree(one, f"{args['place']}/upper")):
            raise Fail("MD1227", ran=ran, lines=lines[:6])
        found = {os.path.normpath(m.name): m for m in members}
        for name in (file, other):
            if name not in found:
                raise Fail("MD1209", ran=ran, lines=[("MISSING", name)])
        if not (found[other].islnk() or found[file].islnk()):
            raise Fail("MD1212", ran=ran, expected=f"{other} is a hard link to {file}",
                       kernel="both are files with data")  # fmt: skip
        m = found[file]
        pax = {k.removeprefix("SCHILY.xattr."): v for k, v in m.pax_headers.items() if "xattr" in k}
        seen = {"data": texts.get(m.name), "owner": f"{m.uid}:{m.gid}", "mode": f"{m.mode:o}",
                "time": int(m.mtime), "attributes": pax}  # fmt: skip
        wanted = {"data": truth["data"], "owner": "1234:4321", "mode": "4751",
                  "time": 1_000_000_001,
                  "attributes": {k: v.decode() for k, v in truth["attributes"].items()}}  # fmt: skip
        lines = compared(wanted, seen)
        if not good(lines):
            raise Fail("MD1213", ran=ran, name=file, lines=lines)
        for m in members:
            if any(".overlay." in key for key in m.pax_headers):
                raise Fail("MD1214", ran=ran, kernel=f"{m.name}: {', '.join(m.pax_headers)}")


# --- meaning, place_of, FOLDER_ORDER -----------------------------------------------------------


def test_meaning(subject, cell):
    x = token()
    truth = {
        f".wh.{x}": ["delete", x], f"a/b/.wh.{x}": ["delete", f"a/b/{x}"],
        "a/.wh..wh..opq": ["empty", "a"], "a/b/.wh..wh..opq": ["empty", "a/b"],
        f"a/{x}": ["put", f"a/{x}"], f"a/{x}.wh": ["put", f"a/{x}.wh"],
        f"a/.wh.{x}.wh.b": ["delete", f"a/{x}.wh.b"], f".wh..wh.{x}": ["delete", f".wh.{x}"],
        f"a/.wh..wh..opq{x}": ["delete", f"a/.wh..opq{x}"],
        f"a/x.wh.{x}": ["put", f"a/x.wh.{x}"], f"a/.wh..{x}": ["delete", f"a/.{x}"],
        ".wh.": "ValueError", ".wh..": "ValueError", ".wh...": "ValueError",
        "a/.wh...": "ValueError", "a/.wh.": "ValueError",
    }  # fmt: skip
    with cell("meaning", names=list(truth)) as one:
        lines = compared(truth, one.expect("results")["seen"])
        if not good(lines):
            raise Fail("MD1215", ran="meaning(name)", lines=lines)


def test_place_of(subject, cell):
    place = somewhere()
    top = f"{place}/rootfs"
    good_names = ["a", "sub/b", "new/deep/c", "near", "./sub/./b", "sub/file", "..hidden", "a..b",
                  "..hidden/b"]
    bad_names = ["../outside/x", "../rootfs-secret/x", "sub/../../rootfs-secret/x", "near/x",
                 "far/x", "far/deep/x", "/etc/x", f"{place}/rootfs-secret/x", "..", "sub/../.."]  # fmt: skip
    truth = {name: os.path.normpath(f"{top}/{name}") for name in good_names}
    truth |= dict.fromkeys(bad_names, "ValueError")
    with cell("place_of", place=place, names=list(truth)) as one:
        truth["sub/b, where a link leads to the directory itself"] = f"{top}/sub/b"
        lines = compared(truth, one.expect("results")["seen"])
        if not good(lines):
            raise Fail("MD1216", ran=f"place_of({top}, name); near → ../rootfs-secret, "
                       f"far → {place}/outside", lines=lines)  # fmt: skip


def test_folder_order(subject, cell):
    for old in (True, False):  # an older layer has the directory, or none has
        place, text = somewhere(), token()
        with cell("folder_order", place=place, token=text, old=old) as one:
            message = one.expect("done", "wrong", "refused")
            if message.event == "wrong":
                raise Fail("MD1217", what=message["what"])
            if message.event == "refused":
                raise Fail("MD1228", step=message["step"])
            ran = "the steps of FOLDER_ORDER"
            if read(one, f"{place}/new") != text:
                raise Fail("MD1218", ran=ran, expected="the new file is there", kernel="it is gone")
            if one.files(1).stat(place).seconds != 1_000_000_000:
                raise Fail("MD1219", ran=ran, expected="the time that the layer says",
                           kernel="a later one")  # fmt: skip


# --- apply_layer -------------------------------------------------------------------------------


def put(one, path, content):
    """Write a file into the cell, before any learner code runs."""
    write(one, path, content)


def applied(one, args):
    """Let the learner apply the layer of a real upper directory: (what the kernel showed, result)."""
    one.expect("cast")
    merged = tree(one, f"{args['place']}/merged")
    # No learner code has run in this cell yet, so its paths are what the scene has made.
    files = one.files(1)
    place = f"/proc/self/fd/{files.root}{args['place']}"
    put(one, f"{args['place']}/layer.tar", files.as_root(lambda: packed(place)))
    one.answer()
    one.expect("applied")
    return merged, tree(one, f"{args['place']}/flat")


def packed(place):
    """The layer tar of a real upper directory, packed by ours."""
    with Upper(f"{place}/upper", [f"{place}/base"]) as entries:
        return b"".join(iter(Packer(entries).next_piece, b""))


# The package itself leaves out the devices of a layer, where it is no real root.
APPLY = "apply_layer(tar, directory): a real layer, on a copy of its base"


def test_apply_tree(subject, cell):
    args, n = plan(nodes=not subject.trusted)
    with cell("apply", **args) as one:
        merged, seen = applied(one, args)
        marks = [("BAD", path) for path in sorted(seen) if f"/{WHITEOUT}" in f"/{path}"]
        if marks:
            raise Fail("MD1220", ran=APPLY, lines=marks)
        old = {path for path in seen if path.startswith(n["again"] + "/")} - set(merged)
        if old:
            raise Fail("MD1222", ran=APPLY, expected=f"{n['again']} holds what the layer brings",
                       kernel=f"it holds {' '.join(sorted(old))} too")  # fmt: skip
        files = {path: dict(facts) for path, facts in merged.items()}
        for facts in files.values():
            if facts["mode"].startswith("d"):
                del facts["time"]  # the next check's business
        lines = differences(files, seen)
        if lines:
            raise Fail("MD1221", ran=APPLY, lines=lines[:12])


def test_apply_times(subject, cell):
    args, _ = plan(nodes=not subject.trusted)
    with cell("apply", **args) as one:
        merged, seen = applied(one, args)
        folders = {path for path, facts in merged.items() if facts["mode"].startswith("d")}
        lines = [("BAD", f"{path}: {seen[path]['time'] // 10**9}, "
                         f"expected {merged[path]['time'] // 10**9}")
                 for path in sorted(folders & set(seen))
                 if not same("time", merged[path]["time"], seen[path]["time"])]  # fmt: skip
        if lines:
            raise Fail("MD1223", ran=APPLY, lines=lines)


def member(name, text="bad", **fields):
    info = tarfile.TarInfo(name)
    for field, value in fields.items():
        setattr(info, field, value)
    info.size = len(text) if info.isreg() else 0
    return info, text.encode()


def link(name, target):
    return member(name, type=tarfile.SYMTYPE, linkname=target)


HARMLESS = "a directory that becomes a link"  # it may be applied: what it leads to stays as it was


def attacks(place):
    """Archives that try to leave {place}/N/rootfs: [name, members]."""
    there = lambda number: f"{place}/{number}/outside"  # noqa: E731
    found = [
        ["a name with ..", [member("../outside/canary")]],
        ["an absolute name", [member(f"{there(1)}/new")]],
        ["a neighbour with a longer name", [member("../rootfs-secret/canary")]],
        ["a link, then a file through it", [link("l", "../outside"), member("l/canary")]],
        ["a link to a neighbour", [link("l", "../rootfs-secret"), member("l/new")]],
        ["a hard link to a file outside", [
            member("h", type=tarfile.LNKTYPE, linkname="../outside/canary")]],
        ["a deletion with ..", [member("../outside/.wh.canary", "")]],
        ["a deletion through a link", [link("l", "../outside"), member("l/.wh.canary", "")]],
        ["an opaque mark through a link", [link("l", "../outside"), member("l/.wh..wh..opq", "")]],
        ["the deletion of ..", [member("sub/.wh...", "")]],
        ["the deletion of nothing", [member(".wh.", "")]],
        [HARMLESS, [member("d", type=tarfile.DIRTYPE, mtime=5), link("d", "../outside")]],
    ]  # fmt: skip
    return found


def pack(members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for info, text in members:
            archive.addfile(info, io.BytesIO(text))
    return out.getvalue()


def test_apply_hostile(subject, cell):
    place = somewhere()
    hostile = attacks(place)
    with cell("hostile", place=place, count=len(hostile)) as one:
        one.expect("cast")
        for number, (_, members) in enumerate(hostile):
            put(one, f"{place}/{number}/layer.tar", pack(members))
        before = [canaries(one, f"{place}/{number}") for number in range(len(hostile))]
        one.answer()
        seen = one.expect("results")["seen"]
        for number, (name, _) in enumerate(hostile):
            lines = differences(before[number], canaries(one, f"{place}/{number}"))
            if lines:
                raise Fail("MD1224", name=name, ran="apply_layer(tar, directory)", lines=lines)
        names = [name for name, _ in hostile]
        told = dict(zip(names, seen, strict=True))
        told.pop(HARMLESS)
        lines = compared(dict.fromkeys(told, "ValueError"), told)
        if not good(lines):
            raise Fail("MD1225", ran="apply_layer(tar, directory)", lines=lines)


def canaries(one, place):
    """What lies beside the directory that an archive is applied to."""
    return {path: facts for path, facts in tree(one, place).items()
            if not (path == "rootfs" or path.startswith("rootfs/") or path == "layer.tar")}  # fmt: skip


def test_round_trip(subject, cell):
    args, _ = plan(nodes=not subject.trusted)
    with cell("round", **args) as one:
        one.expect("cast")
        merged = tree(one, f"{args['place']}/merged")
        one.answer()
        one.expect("applied")
        lines = differences(merged, tree(one, f"{args['place']}/flat"))
        if lines:
            raise Fail("MD1226", ran="commit(upper, tar), then apply_layer(tar, copy of the base)",
                       lines=lines[:12])  # fmt: skip
