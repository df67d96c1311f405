"""Checks of lesson 12: layers.

A real overlay makes the upper directory; what it showed is compared with what the learner's
functions give. Hostile archives are applied beside files that must stay as they are.
"""

import hashlib
import io
import os
import random
import re
import stat
import tarfile

from looking_at_layers import (
    differences,
    look,
    marked,
    noted,
    plan,
    read,
    same,
    somewhere,
    token,
    tree,
    tree_of,
    write,
)

from minidocker.course.outcomes import Fail, compared, good
from minidocker.images.archive.pack import Packer
from minidocker.images.archive.upper import Upper

MOST_BYTES = 1 << 20
WHITEOUT, OPAQUE = ".wh.", ".wh..wh..opq"


# --- pack ------------------------------------------------------------------------------------


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
        raise Fail("MD1207", ran="pack(upper, tar)", text=str(problem)) from None


def in_tar(truth):
    """The names that a layer tar must have for what an upper directory holds."""
    names = set()
    for path, word in truth.items():
        folder, name = os.path.split(path)
        names.add(os.path.join(folder, WHITEOUT + name) if word == "deleted" else path)
        if word == "opaque":
            names.add(os.path.join(path, OPAQUE))
    return names


def test_pack_marks(subject, cell):
    args, _ = plan()
    ran = "pack(upper, tar)"
    with cell("pack", **args) as one:
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


def test_pack_files(subject, cell):
    args, n = plan()
    ran, file, other = "pack(upper, tar)", f"{n['new']}/one", f"{n['new']}/two"
    with cell("pack", **args) as one:
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
        m = found[other] if found[file].islnk() else found[file]  # one of the names has the data
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


SECOND = 1_500_000_000


def same_trees():
    """The same tree in three orders of making, the third with later times: {name: operations}."""
    names = sorted({token()[:3] + word for word in ("", ".a", " b", "ö", "Z") for _ in "123"})
    random.shuffle(names)
    files = [["write", f"d{at % 3}/{name}", token()] for at, name in enumerate(names)]
    files += [["write", path, token()] for path in ("d1/xq", "d1/xQ", "d2/xq", "d2/xQ")]
    link = [["write", "z-first", "one file"], ["link", "z-first", "a-second"]]
    other = [["write", "a-second", "one file"], ["link", "a-second", "z-first"]]
    every = [f"d{at % 3}/{name}" for at, name in enumerate(names)] + ["z-first", "d0", "d1", "d2"]
    every[:0] = ["way", *(path for _, path, _ in files[-4:])]
    when = {path: SECOND + random.randrange(10**6) for path in every}
    early = {"way", random.choice(every[1:-4])}  # a link, and a file
    when |= dict.fromkeys(early, SECOND - 77)  # before newest: it stays
    times = lambda more: [["time", path, second + more * (path not in early)]  # noqa: E731
                          for path, second in when.items()]  # fmt: skip
    trees = {
        "upper": [*files, *link, ["symlink", "way", "/nowhere"], *times(0)],
        "a copy": [["symlink", "way", "/nowhere"], *other, *reversed(files), *times(0)],
        "later": [*other, *files[::2], *files[1::2], ["symlink", "way", "/nowhere"], *times(3600)],
    }
    for name, operations in trees.items():  # the root has a time, too: a tar may have it
        operations.append(["time", ".", SECOND + 3600 * (name == "later")])
    return trees, when


def test_pack_same(subject, cell):
    place, (trees, when) = somewhere(), same_trees()
    packs = [["upper", "1.tar", None], ["a copy", "deep/2.tar", None],
             ["upper", "3.tar", SECOND - 5], ["later", "deep/4.tar", SECOND - 5],
             ["upper", "5.tar", 0], ["later", "deep/6.tar", 0],
             ["upper", "7.tar", None, ["write", late := f"d0/{token()}", token()]]]  # fmt: skip
    for operations in trees.values():
        operations.insert(0, ["mkdir", "d0"])
    with cell("same", place=place, trees=trees, packs=packs) as one:
        one.expect("cast")
        look(one, os.mkdir, f"{place}/deep")
        one.answer()
        one.expect("written")
        found = [read_tar(one, f"{place}/{tar}") for _, tar, *_ in packs]
    for at, words in ((0, "a copy of it, packed on another day"),
                      (2, "a copy with later times; newest is before them all"),
                      (4, "a copy with later times; newest is 0")):  # fmt: skip
        if found[at] != found[at + 1]:
            raise Fail("MD1229", ran=f"pack of a tree, and of {words}",
                       lines=apart(found[at], found[at + 1]))  # fmt: skip
    for at, newest in ((0, None), (2, SECOND - 5), (4, 0)):
        times = {os.path.normpath(m.name): int(m.mtime) for m in members_of(found[at])}
        wanted = {path: second if newest is None else min(second, newest)
                  for path, second in when.items()}  # fmt: skip
        lines = compared(wanted, {path: times.get(path) for path in wanted})
        if not good(lines):
            raise Fail("MD1230", ran=f"pack(upper, tar, newest={newest})",
                       lines=[line for line in lines if line[0] != "GOOD"][:6])  # fmt: skip
    if late not in {os.path.normpath(m.name) for m in members_of(found[6])}:
        raise Fail("MD1209", ran=f"pack(upper, tar), once more, after {late} was written",
                   lines=[("MISSING", late)])  # fmt: skip


def read_tar(one, path):
    try:
        return one.files(1).read(path)
    except OSError as problem:
        raise Fail("MD1207", ran="pack(upper, tar)", text=str(problem)) from None


def members_of(data):
    try:
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            return archive.getmembers()
    except (OSError, ValueError, OverflowError, tarfile.TarError) as problem:
        raise Fail("MD1207", ran="pack(upper, tar, newest)", text=str(problem)) from None


def apart(one, other):
    """Say in which things two archives differ: order, a fact of a member, or what packs them."""
    mine, theirs = members_of(one), members_of(other)
    names = [[m.name for m in part] for part in (mine, theirs)]
    if names[0] != names[1]:
        at = next(n for n, pair in enumerate(zip(*names, strict=False)) if pair[0] != pair[1])
        return [("BAD", f"member {at + 1} is {names[0][at]!r} in one, {names[1][at]!r} in the other")]
    found = []
    for m, n in zip(mine, theirs, strict=True):
        for word in ("mtime", "uname", "gname", "type", "linkname", "mode", "uid", "pax_headers"):
            if getattr(m, word) != getattr(n, word):
                found.append(("BAD", f"{m.name}: its {word} is {getattr(m, word)!r} in one, "
                                     f"{getattr(n, word)!r} in the other"))  # fmt: skip
    at = next((n for n, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]),
              min(len(one), len(other)))  # fmt: skip
    packed = "a gzip header: byte 4 to 7 are its time" if one[:2] == b"\x1f\x8b" else "the archive"
    return found[:4] or [("BAD", f"the same members; byte {at} differs ({packed})")]


# --- meaning, place_of, FOLDER_ORDER -----------------------------------------------------------


def test_meaning(subject, cell):
    x = token()
    truth = {
        f".wh.{x}": ["delete", x], f"a/b/.wh.{x}": ["delete", f"a/b/{x}"],
        "a/.wh..wh..opq": ["empty", "a"], "a/b/.wh..wh..opq": ["empty", "a/b"],
        f"a/{x}": ["put", f"a/{x}"], f"./a//{x}/": ["put", f"./a//{x}/"],
        f"a//{x}": ["put", f"a//{x}"],
        f"a/{x}.wh": ["put", f"a/{x}.wh"],
        f"a/.wh.{x}.wh.b": ["delete", f"a/{x}.wh.b"], f".wh..wh.{x}": ["delete", f".wh.{x}"],
        f"a/.wh..wh..opq{x}": ["delete", f"a/.wh..opq{x}"],
        f"a/x.wh.{x}": ["put", f"a/x.wh.{x}"], f"a/.wh..{x}": ["delete", f"a/.{x}"],
        "a/.wh....": ["delete", "a/..."],
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
        ["a name with .., and new directories", [member("../made/here/file")]],
        ["a directory, then a link in its place, then a file through it", [
            member("d/a"), link("d", "../outside"), member("d/canary")]],
        [HARMLESS, [member("d", type=tarfile.DIRTYPE, mtime=5), link("d", "../outside")]],
    ]  # fmt: skip
    return found


def archive_of(members):
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
            put(one, f"{place}/{number}/layer.tar", archive_of(members))
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
    return look(one, beside, place)


def beside(place):
    """Who has written there and put all back has changed st_ctime, which nobody can set."""
    found = {path: facts for path, facts in tree_of(place).items()
             if not (path == "rootfs" or path.startswith("rootfs/") or path == "layer.tar")}  # fmt: skip
    for path, facts in found.items():
        facts["last change"] = os.lstat(f"{place}/{path}").st_ctime_ns
    return found


def test_round_trip(subject, cell):
    args, _ = plan(nodes=not subject.trusted)
    with cell("round", **args) as one:
        one.expect("cast")
        merged = tree(one, f"{args['place']}/merged")
        one.answer()
        one.expect("applied")
        lines = differences(merged, tree(one, f"{args['place']}/flat"))
        if lines:
            raise Fail("MD1226", ran="pack(upper, tar), then apply_layer(tar, copy of the base)",
                       lines=lines[:12])  # fmt: skip


# --- which layer was it ------------------------------------------------------------------------


def layers_plan():
    """Layers over one another, with each way to give and to hide a path; all names at random."""
    n = {word: f"{random.choice('.aZö')}{token()[:4]}{number}" for number, word in enumerate((
        "tree", "again", "file", "way", "goal", "twice", "back", "kept", "over", "plain", "dir",
        "nowhere", "below"))}  # fmt: skip
    paths = [
        f"{n['tree']}/x/y", f"{n['tree']}/x", n["tree"], f"{n['again']}/old", f"{n['again']}/new",
        f"{n['again']}/sub/deep", f"{n['again']}/sub/new", n["again"], f"{n['file']}/in", n["file"],
        f"{n['way']}/in", n["way"], f"{n['goal']}/in", f"{n['twice']}/x", n["twice"],
        f"{n['back']}/x", f"{n['back']}/y", n["kept"], n["over"], f"{n['plain']}/a",
        f"{n['plain']}/b", f"{n['plain']}/gone", n["plain"], f"{n['dir']}/in", n["dir"],
        f"{n['plain']}/never", f"{n['tree']}/never", f"{n['kept']}/never", f".wh{token()[:3]}",
        f"{n['again']}/never", n["nowhere"], f"{n['below']}/sub/old", f"{n['below']}/sub/new",
    ]  # fmt: skip
    write = lambda *path: ["write", "/".join(path), token()]  # noqa: E731
    first = [
        write(n["tree"], "x", "y"), write(n["again"], "old"), write(n["again"], "sub", "deep"),
        write(n["file"], "in"), write(n["way"], "in"), write(n["goal"], "in"),
        write(n["twice"], "x"), write(n["back"], "x"), write(n["back"], "y"), write(n["kept"]),
        write(n["over"]), write(n["plain"], "a"), write(n["plain"], "gone"), write(n["dir"]),
        write(n["below"], "sub", "old"),
        ["symlink", n["nowhere"], f"/{token()}"],
    ]  # fmt: skip
    steps = [
        [["remove", n["tree"]]],
        [["remove", n["again"]], ["mkdir", n["again"]], write(n["again"], "new"),
         write(n["again"], "sub", "new")],
        [["remove", f"{n['below']}/sub"], ["mkdir", f"{n['below']}/sub"],
         write(n["below"], "sub", "new")],
        [["remove", n["file"]], write(n["file"])],
        [["remove", n["way"]], ["symlink", n["way"], n["goal"]], ["append", f"{n['goal']}/in", "!"]],
        [["remove", n["dir"]], write(n["dir"], "in")],
        [["append", n["over"], "more"]],
        [write(n["plain"], "b"), ["remove", f"{n['plain']}/gone"]],
    ]  # fmt: skip
    random.shuffle(steps)
    chain = [  # in this order, whatever lies between
        [["remove", f"{n['twice']}/x"], ["remove", f"{n['back']}/x"]],
        [["remove", n["twice"]], ["remove", n["back"]], write(n["back"], "x")],
        [["mkdir", n["twice"]], ["append", n["over"], "again"]],
    ]  # fmt: skip
    every = [first, [], [], [], []]
    for number, step in enumerate(steps):  # two in each
        every[1 + number % 4] += step
    for number, step in zip(sorted(random.sample(range(1, 5), 3)), chain, strict=True):
        every[number] += step
    every[4].append(write(f"last-{token()}"))
    random.shuffle(paths)
    # The lowest is in the middle by name and by time, so that neither tells who lies on whom.
    names = [f"m{token()}", *random.sample([f"{a}{token()}" for a in "zyxcba"], 4)]
    others = [random.randrange(at, at + 10**8) for at in (10**9, 11 * 10**8, 13 * 10**8, 14 * 10**8)]
    born = [12 * 10**8 + 1, *random.sample(others, 4)]
    layers = dict(zip(names, every, strict=True))
    return {"place": somewhere(), "layers": layers, "paths": paths, "born": born}


def in_words(layers):
    return f"{len(layers)} layers, the lowest is 0"


def test_seen_in(subject, cell):
    args = layers_plan()
    with cell("seen", **args) as one:
        one.expect("cast")
        names = list(args["layers"])
        truth = {}
        for number, name in enumerate(names):
            found = look(one, states, f"{args['place']}/{name}", args["paths"])
            for path, (word, why) in zip(args["paths"], found, strict=True):
                truth[f"layer {number}, {path}{why}"] = word
        one.answer()
        seen = one.expect("results")["seen"]
        lines = compared(truth, dict(zip(truth, seen, strict=True)))
        if not good(lines):
            raise Fail("MD1231", ran=f"seen_in(layer, path); {in_words(names)}",
                       lines=[line for line in lines if line[0] != "GOOD"][:8])  # fmt: skip


def states(layer, paths):
    return [state(layer, path) for path in paths]


def state(layer, path):
    """What a layer has of a path, by the kernel's own documentation of overlay, and why."""
    word, why, here, parts = "nothing", "", layer, path.split("/")
    for number, part in enumerate(parts, 1):
        here = f"{here}/{part}"
        try:
            info = os.lstat(here)
        except OSError:
            return word, why
        if stat.S_ISCHR(info.st_mode) and info.st_rdev == 0:
            return "hidden", f" ({part} is a whiteout)"
        if number < len(parts) and not stat.S_ISDIR(info.st_mode):
            return "hidden", f" ({part} is {'a link' if stat.S_ISLNK(info.st_mode) else 'a file'})"
        if number < len(parts) and marked(here):
            word, why = "hidden", f" ({part} is opaque)"
    return "here", why


def test_blame(subject, cell):
    args = layers_plan()
    place, born, names = args["place"], args["born"], list(args["layers"])
    with cell("blame", **args) as one:
        one.expect("cast")
        views = [tree(one, f"{place}/{names[0]}")]
        views += [tree(one, f"{place}/view{number}") for number in range(1, len(names))]
        one.answer()
        message = one.expect("results")
        if not message["kept"]:
            raise Fail("MD1237", ran="blame(path, layers)")
        seen = message["seen"]
        truth = {}
        for path in args["paths"]:
            there = [number for number, view in enumerate(views) if path in view]
            if not there:
                truth[path] = "None"
            elif there[-1] == len(names) - 1:
                truth[path] = [born.index(views[-1][path]["time"] // 10**9), "gives"]
            else:
                truth[path] = [there[-1] + 1, "deletes"]
        lines = compared(truth, dict(zip(truth, seen, strict=True)))
        if not good(lines):
            raise Fail("MD1232", ran=f"blame(path, layers); {in_words(names)}",
                       lines=[line for line in lines if line[0] != "GOOD"][:8])  # fmt: skip


# --- a cache's keys ----------------------------------------------------------------------------


def keys(cell, steps, names):
    """The learner's key for each step: name → key."""
    with cell("keys", place=somewhere(), steps=steps) as one:
        message = one.expect("results")
    if not message["kept"]:
        raise Fail("MD1236", ran="cache_key(parent, instruction, files)")
    seen = message["seen"]
    found = dict(zip(names, seen, strict=True))
    wrong = {name: key[:70] for name, key in found.items() if not re.fullmatch("[0-9a-f]{64}", key)}
    if wrong:
        name, key = next(iter(wrong.items()))
        raise Fail("MD1235", ran=f"cache_key(parent, instruction, files): {name}",
                   expected="64 hex digits", kernel=key)  # fmt: skip
    return found


def step():
    """A step at random: its parent, its words, its files as (name, folder, text, time)."""
    names = [f"{token()[:5]}{word}" for word in ("", "/b", " c", "ö.py")]
    random.shuffle(names)
    files = [[name, "one", token() + "\xff\x00", SECOND + at] for at, name in enumerate(names)]
    return f"sha256:{hashlib.sha256(token().encode()).hexdigest()}", f"COPY {token()} /app", files


def test_cache_hits(subject, cell):
    parent, words, files = step()
    steps = {
        "the step": files,
        "once more": files,
        "its names told in another order": files[::-1],
        "the files lie elsewhere": [[name, "two/deep", *rest] for name, _, *rest in files],
        "the files have other times": [[*rest, second + 999] for *rest, second in files],
        "a new copy, another order": [[a, "three", b, 5] for a, _, b, _ in sorted(files)[::-1]],
    }
    found = keys(cell, [[parent, words, files] for files in steps.values()], steps)
    lines = [("GOOD" if key == found["the step"] else "BAD", name) for name, key in found.items()]
    if not good(lines):
        raise Fail("MD1233", ran="cache_key(parent, instruction, files)", lines=lines)


def pairs():
    """Two steps that differ, and in what: (in what, [parent, words, files], the other)."""
    parent, words, files = step()
    other = f"sha256:{hashlib.sha256(token().encode()).hexdigest()}"
    a, b, *rest = files
    base = [parent, words, files]
    texts = lambda *texts: [[f"f{at}", "one", text, SECOND] for at, text in enumerate(texts)]  # noqa: E731
    found = [
        ("the parent", base, [other, words, files]),
        ("the parent's last digit", [f"{parent[:-1]}a", words, files],
         [f"{parent[:-1]}b", words, files]),
        ("the words", base, [parent, words + "2", files]),
        ("the second line of the words", [parent, f"{words} <<E\na\nE", []],
         [parent, f"{words} <<E\nb\nE", []]),
        ("letters of another script", [parent, f"{words} 層", []], [parent, f"{words} 像", []]),
        ("a name in another form of Unicode", [parent, words, [["é", "one", "x", 1]]],
         [parent, words, [["e\u0301", "one", "x", 1]]]),
        ("spaces in the words", [parent, 'RUN echo "a  b"', []], [parent, 'RUN echo "a b"', []]),
        ("a tab or spaces", [parent, "RUN a\tb", []], [parent, "RUN a   b", []]),
        ("a space at the end", [parent, words, []], [parent, words + " ", []]),
        ("capital letters", [parent, "RUN ls -l", []], [parent, "RUN ls -L", []]),
        ("one content", base, [parent, words, [[a[0], "one", "X" + a[2][1:], a[3]], b, *rest]]),
        ("a content's last byte", base, [parent, words, [[a[0], "one", a[2][:-1] + "\x01", a[3]],
                                                        b, *rest]]),
        ("bytes that are no text", [parent, words, texts("a\xfe")], [parent, words, texts("a\xff")]),
        ("the end of a line", [parent, words, texts("a\r\nb")], [parent, words, texts("a\nb")]),
        ("two files exchange contents", base,
         [parent, words, [[a[0], "one", b[2], a[3]], [b[0], "one", a[2], b[3]], *rest]]),
        ("a file's name", base, [parent, words, [[a[0] + "x", *a[1:]], b, *rest]]),
        ("a file's directory", [parent, words, [["x/y", *a[1:]]]], [parent, words, [["y", *a[1:]]]]),
        ("a file less", base, [parent, words, [b, *rest]]),
        ("a large content's last byte", [parent, words, [["f", "one", "x", 1, 3_000_000, "a"]]],
         [parent, words, [["f", "one", "x", 1, 3_000_000, "b"]]]),
        ("no file, or an empty one", [parent, words, []], [parent, words, texts("")]),
        ("ab and c, or a and bc", [parent, words, texts("ab", "c")],
         [parent, words, texts("a", "bc")]),
        ("a file more that is empty", [parent, words, texts("ab")],
         [parent, words, texts("ab", "")]),
        ("a name's end and a content's begin", [parent, words, [["ab", "one", "cd", 1]]],
         [parent, words, [["abc", "one", "d", 1]]]),
    ]  # fmt: skip
    for mark in ("", "\n", " ", ":", ",", ";", "=", "\t", "|", "-"):
        end = "".join(random.choices("abcdef", k=4))
        found.append((f"where the parent ends ({mark!r})", [parent, f"{end}{mark}{words}", []],
                      [f"{parent}{mark}{end}", words, []]))  # fmt: skip
        one, two = (hashlib.sha256(text.encode()).hexdigest() for text in ("one", "two"))
        both = [["x", "one", "one", 1], ["y", "one", "two", 1]]
        for name, text in ((f"x{mark}{one}{mark}y", "two"), (f"x{mark}{two}{mark}y", "one")):
            found.append((f"one file or two, of a strange name ({mark!r})", [parent, words, both],
                          [parent, words, [[name, "one", text, 1]]]))  # fmt: skip
    return found


def test_cache_misses(subject, cell):
    every = pairs()
    names = [f"{what}, {side}" for what, *_ in every for side in ("first", "second")]
    names = [f"{at}: {name}" for at, name in enumerate(names)]
    found = keys(cell, [one for _, *both in every for one in both], names)
    values = list(found.values())
    lines = [("GOOD" if values[2 * at] != values[2 * at + 1] else "BAD", what)
             for at, (what, *_) in enumerate(every)]  # fmt: skip
    if not good(lines):
        raise Fail("MD1234", ran="cache_key of two steps that differ in:",
                   lines=[line for line in lines if line[0] == "BAD"][:8])  # fmt: skip
