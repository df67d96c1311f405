"""Checks of lesson 04: union layers.

Each one lets the learner's function work in a cell, and looks at the trees from outside, through
/proc/PID/root of the cell: what the kernel's overlay shows there is the truth. Hostile archives
are applied beside files that must stay as they are.
"""

import io
import os
import random
import stat
import tarfile

from minidocker.course.outcomes import Fail, compared, good
from minidocker.images.archive.pack import Packer
from minidocker.images.archive.upper import Upper
from minidocker.proc import mounts

CLOSE = 20_000  # nanoseconds: tarfile keeps times as floating-point numbers
WHITEOUT, OPAQUE = ".wh.", ".wh..wh..opq"
ETC = ("hosts", "hostname", "resolv.conf")


def token():
    return f"{random.getrandbits(48):012x}"


def somewhere():
    """A directory in the cell that no file can know beforehand."""
    return f"/tmp/layers-{token()}"


# --- looking from outside ----------------------------------------------------------------------


def outside(one, path):
    """The same place as seen from here."""
    return f"/proc/{one.pid}/root{path}"


def read(one, path):
    """The text of a file in the cell; None when there is no such file."""
    try:
        fd = os.open(outside(one, path), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    with open(fd, errors="replace") as file:
        return file.read(1000)


def tree(one, path):
    """Tell all that a tree is: {path: {word: fact}}, the root left out."""
    top, found, inodes = outside(one, path), {}, {}
    for folder, folders, names in os.walk(top):
        for name in folders + names:
            place = os.path.join(folder, name)
            info, known = os.lstat(place), os.path.relpath(place, top)
            found[known] = {
                "mode": stat.filemode(info.st_mode), "owner": f"{info.st_uid}:{info.st_gid}",
                "device": info.st_rdev, "data": data(place, info), "time": info.st_mtime_ns,
                "attributes": attributes(place),
            }  # fmt: skip
            if not stat.S_ISDIR(info.st_mode):
                inodes.setdefault(info.st_ino, []).append(known)
    for names in inodes.values():
        for name in names:
            found[name]["names"] = " = ".join(sorted(names))
    return found


def data(place, info):
    if stat.S_ISREG(info.st_mode):
        with open(os.open(place, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
            return file.read(4000)
    return os.readlink(place) if stat.S_ISLNK(info.st_mode) else None


def attributes(place):
    found = {name: os.getxattr(place, name, follow_symlinks=False)
             for name in os.listxattr(place, follow_symlinks=False)}  # fmt: skip
    return {name: value for name, value in found.items() if ".overlay." not in name}


def differences(wanted, seen, leave=()):
    """GOOD, BAD and MISSING lines for two trees; `leave` are words that do not count."""
    lines = []
    for path in sorted({*wanted, *seen}):
        if path not in seen:
            lines.append(("MISSING", path))
        elif path not in wanted:
            lines.append(("BAD", f"{path}: it should not be there"))
        else:
            lines += [("BAD", f"{path}: its {word} is {seen[path].get(word)!r}, "
                              f"expected {value!r}")
                      for word, value in wanted[path].items()
                      if word not in leave and not same(word, value, seen[path].get(word))]  # fmt: skip
    return lines


def same(word, one, other):
    return abs(one - other) < CLOSE if word == "time" else one == other


# --- overlay_options ---------------------------------------------------------------------------


def mounted(one, ran):
    """Wait until the overlay is mounted with the learner's options."""
    message = one.expect("mounted", "refused", "wrong")
    if message.event == "wrong":
        raise Fail("MD9012", name="overlay_options", value=message["value"], wanted="text", ran=ran)
    if message.event == "refused":
        raise Fail("MD0401", ran=ran, text=message["text"], expected="options that mount(2) takes",
                   kernel=message["options"])  # fmt: skip
    return message["options"]


def test_options_order(subject, cell):
    place, texts = somewhere(), [token(), token(), token()]
    layers = [["a", [["x", texts[0]], ["only-a", texts[0]]]],
              ["b", [["x", texts[1]], ["both", texts[1]]]],
              ["c", [["both", texts[2]], ["d/deep", texts[2]]]]]  # fmt: skip
    ran = "overlay_options([a, b, c], upper, work): c is the top layer"
    wanted = {"x": texts[1], "only-a": texts[0], "both": texts[2], "d/deep": texts[2]}
    with cell("options", place=place, layers=layers) as one:
        options = mounted(one, ran)
        who = dict(zip(texts, "abc", strict=True))
        seen = {name: read(one, f"{place}/merged/{name}") for name in wanted}
        lines = compared({name: f"from {who[text]}" for name, text in wanted.items()},
                         {name: f"from {who.get(text, 'nowhere')}"
                          for name, text in seen.items()})  # fmt: skip
        if not good(lines):
            raise Fail("MD0402", ran=ran, kernel=options, lines=lines)
        text = token()
        with open(outside(one, f"{place}/merged/x"), "w") as file:
            file.write(text)
        if read(one, f"{place}/upper/x") != text or read(one, f"{place}/b/x") != texts[1]:
            raise Fail("MD0403", ran=ran, expected="a write to merged/x goes to upper/x",
                       kernel=options)  # fmt: skip


def test_options_names(subject, cell):
    place, text = somewhere(), token()
    names = ["plain", "a:b", "c,d", "e\\f", "g h", "i\\:,j", "k:upperdir=x,l"]
    layers = [[name, [[f"from-{number}", text]]] for number, name in enumerate(names)]
    ran = f"overlay_options({names}, upper, work)"
    with cell("options", place=place, layers=layers) as one:
        options = mounted(one, ran)
        seen = {name: read(one, f"{place}/merged/from-{number}")
                for number, name in enumerate(names)}  # fmt: skip
        lines = compared(dict.fromkeys(names, "is a layer"),
                         {name: "is a layer" for name, found in seen.items() if found == text})  # fmt: skip
        if not good(lines):
            raise Fail("MD0404", ran=ran, kernel=options, lines=lines)


# --- a real upper directory --------------------------------------------------------------------


def plan():
    """Operations for a base layer, and for the container over it: names and texts at random."""
    n = {word: f"{word}-{token()[:4]}" for word in (
        "changed", "gone", "kept", "tree", "again", "linked", "other", "file", "folder", "new")}  # fmt: skip
    base = [
        ["write", f"etc/{n['changed']}", token()], ["write", f"etc/{n['kept']}", token()],
        ["write", f"etc/{n['gone']}", token()], ["write", f"{n['tree']}/a/b", token()],
        ["write", f"{n['again']}/old", token()], ["write", f"{n['again']}/sub/deep", token()],
        ["write", n["linked"], token()], ["link", n["linked"], n["other"]],
        ["write", n["file"], token()], ["write", f"{n['folder']}/in", token()],
        ["time", f"{n['tree']}/a", 900_000_000],
    ]  # fmt: skip
    operations = [
        ["append", f"etc/{n['changed']}", token()], ["remove", f"etc/{n['gone']}"],
        ["remove", n["tree"]],
        ["remove", n["again"]], ["mkdir", n["again"]],
        ["write", f"{n['again']}/new", token()], ["write", f"{n['again']}/sub/new", token()],
        ["append", n["other"], token()],
        ["remove", n["file"]], ["mkdir", n["file"]],
        ["remove", n["folder"]], ["write", n["folder"], token()],
        ["write", f"{n['new']}/one", token() * 20], ["link", f"{n['new']}/one", f"{n['new']}/two"],
        ["symlink", f"{n['new']}/way", "/etc/passwd"], ["node", f"{n['new']}/full"],
        ["chown", f"{n['new']}/one", 1234, 4321], ["chmod", f"{n['new']}/one", 0o4751],
        ["attribute", f"{n['new']}/one", "trusted.course", token()],
        ["time", f"{n['new']}/one", 1_000_000_001], ["time", n["new"], 1_000_000_002],
        ["time", n["again"], 1_000_000_003],
    ]  # fmt: skip
    return {"place": somewhere(), "base": base, "operations": operations}, n


def noted(one, upper):
    """What the kernel has noted in an upper directory: {path: word}."""
    top, found = outside(one, upper), {}
    for folder, folders, names in os.walk(top):
        for name in folders + names:
            place = os.path.join(folder, name)
            info, word = os.lstat(place), "written"
            if stat.S_ISCHR(info.st_mode) and info.st_rdev == 0:
                word = "deleted"
            elif stat.S_ISDIR(info.st_mode):
                try:
                    opaque = os.getxattr(place, "trusted.overlay.opaque") == b"y"
                except OSError:
                    opaque = False
                word = "opaque" if opaque else word
            found[os.path.relpath(place, top)] = word
    return found


def test_changes(subject, cell):
    args, _ = plan()
    with cell("changes", **args) as one:
        one.expect("cast")
        truth = noted(one, f"{args['place']}/upper")
        if sorted(set(truth.values())) != ["deleted", "opaque", "written"]:
            raise RuntimeError(f"the kernel made another upper directory than expected: {truth}")
        one.answer()
        message = one.expect("results")
        if message["found"] is None:
            raise Fail("MD9012", name="changes", value=message["value"], wanted="list of pairs")
        lines = compared(truth, dict(map(tuple, message["found"])))
        if not good(lines):
            raise Fail("MD0405", ran="changes(upper)", lines=lines)
        if [path for path, _ in message["found"]] != sorted(truth):
            raise Fail("MD0406", ran="changes(upper)", expected=" ".join(sorted(truth)),
                       kernel=" ".join(path for path, _ in message["found"]))  # fmt: skip


# --- commit ------------------------------------------------------------------------------------


def written(one, args):
    """Wait for the learner's layer tar, and read it: name → member, and its data."""
    one.expect("written")
    path = outside(one, f"{args['place']}/layer.tar")
    try:
        with tarfile.open(path) as archive:
            members = archive.getmembers()
            return members, {m.name: archive.extractfile(m).read() for m in members if m.isreg()}
    except (OSError, tarfile.TarError) as problem:
        raise Fail("MD0407", ran="commit(upper, tar)", text=str(problem)) from None


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
            raise Fail("MD0408", ran=ran, expected="an empty file .wh.NAME",
                       kernel=f"{devices[0]}: the device 0:0")  # fmt: skip
        names = [os.path.normpath(m.name) for m in members]
        lines = compared(in_tar(truth), set(names) - {"."})
        if not good(lines):
            raise Fail("MD0409", ran=ran, lines=lines)
        first = next((path for path, word in truth.items() if word == "opaque"
                      and any(name.startswith(f"{path}/") and not name.endswith(OPAQUE)
                              for name in names[:names.index(f"{path}/{OPAQUE}")])), None)  # fmt: skip
        if first or any(names.index(path) > names.index(below) for path in truth
                        for below in names if below.startswith(f"{path}/")):  # fmt: skip
            raise Fail("MD0410", ran=ran, kernel=" ".join(names[:12]))
        if len(names) != len(set(names)):
            twice = next(name for name in names if names.count(name) > 1)
            raise Fail("MD0411", ran=ran, name=twice)


def test_commit_files(subject, cell):
    args, n = plan()
    ran, file, other = "commit(upper, tar)", f"{n['new']}/one", f"{n['new']}/two"
    with cell("commit", **args) as one:
        one.expect("cast")
        truth = tree(one, f"{args['place']}/merged")[file]
        one.answer()
        members, texts = written(one, args)
        found = {os.path.normpath(m.name): m for m in members}
        for name in (file, other):
            if name not in found:
                raise Fail("MD0409", ran=ran, lines=[("MISSING", name)])
        if not (found[other].islnk() or found[file].islnk()):
            raise Fail("MD0412", ran=ran, expected=f"{other} is a hard link to {file}",
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
            raise Fail("MD0413", ran=ran, name=file, lines=lines)
        for m in members:
            if any("xattr.trusted.overlay." in key for key in m.pax_headers):
                raise Fail("MD0414", ran=ran, kernel=f"{m.name}: {', '.join(m.pax_headers)}")


# --- meaning, place_of, FOLDER_ORDER -----------------------------------------------------------


def test_meaning(subject, cell):
    x = token()
    truth = {
        f".wh.{x}": ["delete", x], f"a/b/.wh.{x}": ["delete", f"a/b/{x}"],
        "a/.wh..wh..opq": ["empty", "a"], "a/b/.wh..wh..opq": ["empty", "a/b"],
        f"a/{x}": ["put", f"a/{x}"], f"a/{x}.wh": ["put", f"a/{x}.wh"],
        f"a/x.wh.{x}": ["put", f"a/x.wh.{x}"], f"a/.wh..{x}": ["delete", f"a/.{x}"],
        ".wh.": "ValueError", ".wh..": "ValueError", ".wh...": "ValueError",
        "a/.wh...": "ValueError", "a/.wh.": "ValueError",
    }  # fmt: skip
    with cell("meaning", names=list(truth)) as one:
        lines = compared(truth, one.expect("results")["seen"])
        if not good(lines):
            raise Fail("MD0415", ran="meaning(name)", lines=lines)


def test_place_of(subject, cell):
    place = somewhere()
    top = f"{place}/rootfs"
    good_names = ["a", "sub/b", "new/deep/c", "near", "./sub/./b", "sub/file", "..hidden", "a..b"]
    bad_names = ["../outside/x", "../rootfs-secret/x", "sub/../../rootfs-secret/x", "near/x",
                 "far/x", "far/deep/x", "/etc/x", f"{place}/rootfs-secret/x", "..", "sub/../.."]  # fmt: skip
    truth = {name: os.path.normpath(f"{top}/{name}") for name in good_names}
    truth |= dict.fromkeys(bad_names, "ValueError")
    with cell("place_of", place=place, names=list(truth)) as one:
        lines = compared(truth, one.expect("results")["seen"])
        if not good(lines):
            raise Fail("MD0416", ran=f"place_of({top}, name); near → ../rootfs-secret, "
                       f"far → {place}/outside", lines=lines)  # fmt: skip


def test_folder_order(subject, cell):
    place, text = somewhere(), token()
    with cell("folder_order", place=place, token=text) as one:
        message = one.expect("done", "wrong")
        if message.event == "wrong":
            raise Fail("MD0417", what=message["what"])
        ran = "the steps of FOLDER_ORDER"
        if read(one, f"{place}/new") != text:
            raise Fail("MD0418", ran=ran, expected="the new file is there", kernel="it is gone")
        if os.stat(outside(one, place)).st_mtime != 1_000_000_000:
            raise Fail("MD0419", ran=ran, expected="the time that the layer says",
                       kernel="a later one")  # fmt: skip


# --- apply_layer -------------------------------------------------------------------------------


def put(one, path, content):
    """Write a file into the cell, before any learner code runs."""
    with open(outside(one, path), "wb") as file:
        file.write(content)


def applied(one, args):
    """Let the learner apply the layer of a real upper directory: (what the kernel showed, result)."""
    one.expect("cast")
    merged = tree(one, f"{args['place']}/merged")
    upper, base = (outside(one, f"{args['place']}/{name}") for name in ("upper", "base"))
    with Upper(upper, [base]) as entries:
        packer = Packer(entries)
        put(one, f"{args['place']}/layer.tar", b"".join(iter(packer.next_piece, b"")))
    one.answer()
    one.expect("applied")
    return merged, tree(one, f"{args['place']}/flat")


APPLY = "apply_layer(tar, directory): a real layer, on a copy of its base"


def test_apply_tree(subject, cell):
    args, n = plan()
    with cell("apply", **args) as one:
        merged, seen = applied(one, args)
        marks = [("BAD", path) for path in sorted(seen) if f"/{WHITEOUT}" in f"/{path}"]
        if marks:
            raise Fail("MD0420", ran=APPLY, lines=marks)
        old = {path for path in seen if path.startswith(n["again"] + "/")} - set(merged)
        if old:
            raise Fail("MD0422", ran=APPLY, expected=f"{n['again']} holds what the layer brings",
                       kernel=f"it holds {' '.join(sorted(old))} too")  # fmt: skip
        files = {path: dict(facts) for path, facts in merged.items()}
        for facts in files.values():
            if facts["mode"].startswith("d"):
                del facts["time"]  # the next check's business
        lines = differences(files, seen)
        if lines:
            raise Fail("MD0421", ran=APPLY, lines=lines[:12])


def test_apply_times(subject, cell):
    args, _ = plan()
    with cell("apply", **args) as one:
        merged, seen = applied(one, args)
        folders = {path for path, facts in merged.items() if facts["mode"].startswith("d")}
        lines = [("BAD", f"{path}: {seen[path]['time'] // 10**9}, "
                         f"expected {merged[path]['time'] // 10**9}")
                 for path in sorted(folders & set(seen))
                 if not same("time", merged[path]["time"], seen[path]["time"])]  # fmt: skip
        if lines:
            raise Fail("MD0423", ran=APPLY, lines=lines)


def member(name, text="bad", **fields):
    info = tarfile.TarInfo(name)
    for field, value in fields.items():
        setattr(info, field, value)
    info.size = len(text) if info.isreg() else 0
    return info, text.encode()


def link(name, target):
    return member(name, type=tarfile.SYMTYPE, linkname=target)


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
                raise Fail("MD0424", name=name, ran="apply_layer(tar, directory)", lines=lines)
        names = [name for name, _ in hostile]
        lines = compared(dict.fromkeys(names, "ValueError"), dict(zip(names, seen, strict=True)))
        if not good(lines):
            raise Fail("MD0425", ran="apply_layer(tar, directory)", lines=lines)


def canaries(one, place):
    """What lies beside the directory that an archive is applied to."""
    return {path: facts for path, facts in tree(one, place).items()
            if not (path == "rootfs" or path.startswith("rootfs/") or path == "layer.tar")}  # fmt: skip


def test_round_trip(subject, cell):
    args, _ = plan()
    with cell("round", **args) as one:
        one.expect("cast")
        merged = tree(one, f"{args['place']}/merged")
        one.answer()
        one.expect("applied")
        lines = differences(merged, tree(one, f"{args['place']}/flat"))
        if lines:
            raise Fail("MD0426", ran="commit(upper, tar), then apply_layer(tar, copy of the base)",
                       lines=lines[:12])  # fmt: skip


# --- place_etc_files ---------------------------------------------------------------------------


def placed(one, texts):
    """Wait until the three files are placed."""
    message = one.expect("placed", "refused")
    if message.event == "refused":
        raise Fail("MD0427", text=message["text"], ran="place_etc_files(kernel, directory, root)")


def etc_texts():
    return {name: f"{token()} {name}\n" for name in ETC}


def test_etc_mounted(subject, cell):
    place, texts = somewhere(), etc_texts()
    ran = "place_etc_files(kernel, directory, root)"
    with cell("etc", place=place, texts=texts) as one:
        placed(one, texts)
        seen = {name: read(one, f"{place}/merged/etc/{name}") for name in ETC}
        lines = compared(texts, seen)
        if not good(lines):
            raise Fail("MD0428", ran=ran, lines=lines)
        points = {item.point: item for item in mounts.parse(one.proc.read(1, "mountinfo"))}
        wanted = {f"{place}/merged/etc/{name}" for name in ETC}
        lines = compared(wanted, wanted & set(points))
        if not good(lines):
            raise Fail("MD0429", ran=ran, expected="three mounts", lines=lines)


def test_etc_layer(subject, cell):
    place, texts = somewhere(), etc_texts()
    ran = "place_etc_files(kernel, directory, root)"
    with cell("etc", place=place, texts=texts) as one:
        placed(one, texts)
        copied = [path for path in noted(one, f"{place}/upper") if os.path.basename(path) in ETC]
        if copied:
            raise Fail("MD0430", ran=ran, expected="an upper directory without these files",
                       kernel=f"upper/{copied[0]} is there")  # fmt: skip
        filled = [name for name in ETC if read(one, f"{place}/init/etc/{name}") != ""]
        if filled or read(one, f"{place}/image/etc/hosts") != "the image's own\n":
            raise Fail("MD0431", ran=ran, kernel=" ".join(filled or ["the image's hosts"]))
        if read(one, f"{place}/outside") != "unhurt\n":
            raise Fail("MD0432", ran=ran)
        more = token()
        with open(outside(one, f"{place}/merged/etc/hosts"), "a") as file:
            file.write(more)
        if read(one, f"{place}/box/hosts") != texts["hosts"] + more:
            raise Fail("MD0433", ran=ran, expected="what a container writes is in box/hosts")
        if "etc/hosts" in noted(one, f"{place}/upper"):
            raise Fail("MD0430", ran=ran, kernel="after a write, upper/etc/hosts is there")
