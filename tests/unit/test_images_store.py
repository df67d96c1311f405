"""The store: names, layers stored once, removal, what is left over, and who may go at once."""

from __future__ import annotations

import bz2
import fcntl
import gzip
import hashlib
import json
import lzma
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from images_trees import archive, folder, link, member, snapshot

from minidocker.errors import Blocked, Conflict, NoImage, NotFound, UsageError
from minidocker.images import base, importer
from minidocker.images.store import catalogue, changes, names, oci, overlay_check
from minidocker.images.store.image import LISTS, STRINGS, parse_lean, with_tag
from minidocker.images.store.lean import lean
from minidocker.images.store.partial import Partial
from minidocker.images.store.store import Store
from minidocker.places import default_root

SMALL = archive([folder("bin"), member("bin/sh", b"#!"), member("etc/name", b"small")])
OTHER = archive([folder("bin"), member("etc/name", b"other")])
REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "store"))


@pytest.fixture
def tar(tmp_path: Path) -> str:
    return write(tmp_path / "small.tar", SMALL)


def write(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    return str(path)


def layers(store: Store) -> list[str]:
    return sorted(p.name for p in Path(store.root, "layers/sha256").iterdir())


def leftovers(store: Store) -> list[str]:
    return sorted(p.name for p in Path(store.root, "partial").iterdir())


def container(store: Store, id: str, **record: object) -> Path:
    """Write a record as the runtime does, with a lock that nobody holds yet."""
    folder = Path(store.root, "containers", id)
    folder.mkdir(parents=True)
    (folder / "record.json").write_text(json.dumps({"id": id, **record}))
    (folder / "lock").touch()
    return folder


# The hot path


def test_loading_the_store_loads_nothing_else() -> None:
    code = (
        "import sys; before = set(sys.modules); import minidocker.images.store.store as s;"
        "s.Store('/nowhere').root; print(*sorted(set(sys.modules) - before))"
    )
    command = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path += [{str(REPOSITORY)!r}];"]
    command[-1] += code
    loaded = set(subprocess.check_output(command, text=True).split())
    allowed = {
        "os", "os.path", "posixpath", "genericpath", "stat", "_stat", "_collections_abc", "abc",
        "_abc", "errno", "__future__", "minidocker", "minidocker.errors", "minidocker.images",
        "minidocker.images.store", "minidocker.images.store.hold", "minidocker.images.store.image",
        "minidocker.images.store.store", "minidocker.places", "minidocker.kernel",
        "minidocker.kernel.named", "minidocker.proc",
        "minidocker.proc.lean", "fcntl",
    }  # fmt: skip
    assert loaded <= allowed


def test_the_root_is_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINIDOCKER_ROOT", "/some/where/../place")
    assert default_root() == "/some/place"
    monkeypatch.delenv("MINIDOCKER_ROOT")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert default_root() == "/var/lib/minidocker"
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_DATA_HOME", "/home/a/data")
    assert default_root() == "/home/a/data/minidocker"
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", "/home/b")
    assert default_root() == "/home/b/.local/share/minidocker"


WORDS = st.text(st.characters(exclude_characters="\0"), max_size=30)


@settings(max_examples=100, deadline=None)
@given(
    st.fixed_dictionaries(
        {key: st.lists(WORDS, max_size=4) for key in LISTS} | dict.fromkeys(STRINGS, WORDS)
    )
)
def test_the_lean_form_says_the_same_as_the_configuration(config: dict) -> None:
    image = parse_lean(lean("sha256:12", ["ab", "cd"], config), "x:1", "/l")
    assert (image.id, image.name, image.layers) == ("sha256:12", "x:1", ["/l/ab/fs", "/l/cd/fs"])
    assert image.config == config


def test_resolve_gives_the_whole_image(store: Store, tar: str) -> None:
    report = importer.import_tar(
        store,
        "demo",
        tar,
        ['CMD ["a", "b"]', "ENV A=1", "WORKDIR /x/", "USER 5:6", "ENTRYPOINT=e f"],
    )
    for name in ("demo", "demo:latest", report.image.id, report.image.id[7:13]):
        image = store.resolve(name)
        assert image.id == report.image.id
        assert image.config == {
            "Env": [oci.PATH, "A=1"], "Cmd": ["a", "b"], "Entrypoint": ["/bin/sh", "-c", "e f"],
            "WorkingDir": "/x", "User": "5:6",
        }  # fmt: skip
        assert image.layers == [f"{store.root}/layers/sha256/{report.layer}/fs"]
        assert Path(image.layers[0], "etc/name").read_bytes() == b"small"


@pytest.mark.parametrize("name", ["nothing", "nothing:1", "a/b/c", "0123456789ab", "abcd"])
def test_an_unknown_image_is_not_found(store: Store, name: str) -> None:
    with pytest.raises(NotFound, match=name) as caught:
        store.resolve(name)
    assert caught.value.remedy == "minidocker image ls"


def test_a_digest_that_is_here_by_its_tag(store: Store, tar: str) -> None:
    importer.import_tar(store, "lab.example/one:1", tar)
    (manifest,) = {hex for _, hex in catalogue.tags(store).values()}
    found = store.resolve(f"lab.example/one@sha256:{manifest}")
    assert found.id == store.resolve("lab.example/one:1").id
    assert store.resolve(f"lab.example/one:2@sha256:{manifest}").id == found.id  # no tag counts then
    for other in (f"lab.example/two@sha256:{manifest}", f"lab.example/one@sha256:{'0' * 64}"):
        with pytest.raises(NoImage):
            store.resolve(other)


@pytest.mark.parametrize("name", ["base", "base:latest"])
def test_a_missing_base_says_how_to_build_it(store: Store, name: str) -> None:
    with pytest.raises(NotFound) as caught:
        store.resolve(name)
    assert caught.value.remedy == "minidocker image build-base"


BAD_NAMES = [
    "", ":", "a:", "-a", "A", "a b", "../a", "a/../b", "/a", "a/", "a//b", "a:b:c", "a\0b", "a%b",
    "ä", "a.", "_a", "a:-t", "x" * 300, "a:" + "t" * 129, "a\nb", ".", "..", "lean",
]  # fmt: skip


@pytest.mark.parametrize("name", BAD_NAMES[:-1])
def test_a_bad_name_is_refused_clearly(store: Store, tar: str, name: str) -> None:
    for action in (lambda: store.resolve(name), lambda: importer.import_tar(store, name, tar)):
        with pytest.raises(UsageError) as caught:
            action()
        assert caught.value.remedy
        assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("name", "repository"),
    [("Upper:1", "library/Upper"), ("a/Upper", "a/Upper"), ("Host.x/Up:L", "Up"), ("a b", ""), ("a//B", "")],
)  # fmt: skip
def test_names_are_refused_in_dockers_words(name: str, repository: str) -> None:
    with pytest.raises(UsageError) as caught:
        names.check(name)
    why = f": repository name ({repository}) must be lowercase" if repository else ""
    assert caught.value.docker == f"invalid reference format{why}"


@pytest.mark.parametrize(
    "name", ["a", "a1", "debian:12", "a/b/c:T_1.2-x", "localhost:5000/a", "Host.x:1/a:2", "a__b--c"]
)
def test_good_names_are_names(store: Store, tar: str, name: str) -> None:
    full = names.check(name)
    assert full == with_tag(name)
    importer.import_tar(store, name, tar)
    assert store.resolve(name).name == full
    assert list(catalogue.names(store)) == [full]


# Importing


def test_the_same_archive_is_stored_once(store: Store, tar: str) -> None:
    first = importer.import_tar(store, "one", tar)
    again = importer.import_tar(store, "one", tar)
    other = importer.import_tar(store, "two:1", tar, ["CMD x"])
    assert not first.known
    assert again.known
    assert other.known
    assert layers(store) == [hashlib.sha256(SMALL).hexdigest()]
    assert first.image.id == again.image.id != other.image.id
    assert [entry.names for entry in catalogue.entries(store)] == [["one:latest"], ["two:1"]]
    assert leftovers(store) == []


def test_changes_begin_with_what_docker_writes_for_nothing() -> None:
    settings = dict.fromkeys(("Env", "Labels", "ExposedPorts", "Volumes"))
    for line in ("ENV A=1", "LABEL a=b", "EXPOSE 80 53/udp", 'VOLUME ["/a b", "/c"]', "VOLUME /d /e"):
        oci.change(settings, line)
    assert settings == {
        "Env": ["A=1"], "Labels": {"a": "b"}, "ExposedPorts": {"80/tcp": {}, "53/udp": {}},
        "Volumes": {"/a b": {}, "/c": {}, "/d": {}, "/e": {}},
    }  # fmt: skip
    with pytest.raises(UsageError):
        oci.change(settings, 'VOLUME ["/a"')


def test_the_files_of_an_image_agree(store: Store, tar: str) -> None:
    image = importer.import_tar(store, "one", tar, ["LABEL a=b", "EXPOSE 80/tcp"]).image
    blobs = Path(store.root, "blobs/sha256")
    config = (blobs / image.id[7:]).read_bytes()
    [entry, _] = json.loads(Path(store.root, "index.json").read_bytes())["manifests"]
    manifest = json.loads((blobs / entry["digest"][7:]).read_bytes())
    assert (
        image.id == "sha256:" + hashlib.sha256(config).hexdigest() == manifest["config"]["digest"]
    )
    assert manifest["config"]["size"] == len(config)
    [layer] = manifest["layers"]
    told = json.loads(config)
    assert told["rootfs"] == {"type": "layers", "diff_ids": [layer["digest"]]}
    assert layer["size"] == len(SMALL)
    assert told["config"]["Labels"] == {"a": "b"}
    assert told["config"]["ExposedPorts"] == {"80/tcp": {}}
    assert told["os"] == "linux"
    assert len(told["history"]) == 1


PACKERS = {"gz": gzip.compress, "xz": lzma.compress, "bz2": bz2.compress}
if shutil.which("zstd"):
    PACKERS["zst"] = lambda data: subprocess.check_output(["zstd", "-cq"], input=data)


@pytest.mark.parametrize("kind", PACKERS)
def test_packed_archives(store: Store, tmp_path: Path, kind: str) -> None:
    packed = PACKERS[kind](SMALL)
    report = importer.import_tar(store, "one", write(tmp_path / "odd name", packed))
    assert report.layer == hashlib.sha256(SMALL).hexdigest()
    for cut in (packed[: len(packed) // 2], packed[:-6] + b"ruined", packed[:9]):
        with pytest.raises(UsageError, match=r"damaged|not a tar|empty"):
            importer.import_tar(store, "two", write(tmp_path / "cut", cut))
    assert leftovers(store) == []
    assert list(catalogue.names(store)) == ["one:latest"]


def test_standard_input_and_what_follows_the_end(store: Store, tmp_path: Path) -> None:
    data = SMALL + b"\0" * 3_000_000
    tar = write(tmp_path / "x", data)
    assert importer.import_tar(store, "a", tar).layer == hashlib.sha256(data).hexdigest()
    told = []
    importer.import_tar(store, "a", tar, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (len(data), len(data))


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda p: None, NotFound, "no file"),
        (lambda p: p.mkdir(), UsageError, "is a directory"),
        (lambda p: p.write_bytes(b""), UsageError, "is empty"),
        (lambda p: p.write_bytes(b"PK\x03\x04" + bytes(600)), UsageError, "zip archive"),
        (lambda p: p.write_bytes(b"\x1f\x8b" + b"no"), UsageError, "damaged"),
        (lambda p: p.write_text("hello\n" * 200), UsageError, "not a tar archive"),
    ],
)
def test_what_is_no_archive(store: Store, tmp_path: Path, make, error, words: str) -> None:
    make(tmp_path / "x")
    with pytest.raises(error, match=words):
        importer.import_tar(store, "a", str(tmp_path / "x"))
    assert catalogue.names(store) == {}
    assert leftovers(store) == []


def test_saved_images_are_recognised(store: Store, tmp_path: Path) -> None:
    saved = archive([member("manifest.json", b"[]"), folder("blobs"), member("blobs/x", b"")])
    with pytest.raises(UsageError, match="holds saved images") as caught:
        importer.import_tar(store, "a", write(tmp_path / "x", saved))
    assert "docker export" in caught.value.remedy
    rootfs = archive([member("manifest.json", b"[]"), folder("etc")])
    assert importer.import_tar(store, "a", write(tmp_path / "x", rootfs))


def test_a_damaged_image_says_so_and_can_be_removed(store: Store, tar: str) -> None:
    image = importer.import_tar(store, "one", tar).image
    Path(store.root, "images/sha256", image.id[7:], "lean").write_text("")
    with pytest.raises(Blocked, match="damaged") as caught:
        store.resolve("one")
    assert caught.value.remedy == "minidocker image rm one"
    changes.remove(store, ["one"])
    assert importer.import_tar(store, "one", tar).image.id == store.resolve("one").id


def test_an_address_is_not_a_file(store: Store) -> None:
    with pytest.raises(UsageError) as caught:
        importer.import_tar(store, "a", "https://example.org/x.tar")
    assert caught.value.remedy.startswith("curl -L https://example.org/x.tar |")


@pytest.mark.parametrize(
    "line",
    ["", "CMD [", "CMD [1]", "FROM x", "ENV", "ENV =x", "WORKDIR rel", "LABEL x", "CMD a\0b",
     'CMD ["a\\u0000b"]', "RUN make"],
)  # fmt: skip
def test_a_bad_change_is_refused_before_the_archive_is_read(store: Store, line: str) -> None:
    with pytest.raises(UsageError) as caught:
        importer.import_tar(store, "a", "/no/such/file", [line])
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("line", "settings_"),
    [
        ("CMD bash -l", {"Cmd": ["/bin/sh", "-c", "bash -l"]}),
        ('CMD=["bash"]', {"Cmd": ["bash"]}),
        ('cmd ["a=b"]', {"Cmd": ["a=b"]}),
        ("ENV A b c", {"Env": ["A=b c"]}),
        ("ENV=A=b=c", {"Env": ["A=b=c"]}),
        ('ENV A="b c"', {"Env": ["A=b c"]}),
        ("USER a:b", {"User": "a:b"}),
        ("WORKDIR /a/../b", {"WorkingDir": "/b"}),
        ("STOPSIGNAL SIGINT", {"StopSignal": "SIGINT"}),
        ("VOLUME /a /b", {"Volumes": {"/a": {}, "/b": {}}}),
    ],
)
def test_changes_read_as_in_a_dockerfile(line: str, settings_: dict) -> None:
    found: dict = {}
    oci.change(found, line)
    assert found == settings_


def test_a_later_variable_wins() -> None:
    found: dict = {"Env": ["A=1", "B=2"]}
    oci.change(found, "ENV A=3")
    assert found == {"Env": ["B=2", "A=3"]}


@pytest.mark.parametrize(
    ("members", "command"),
    [
        ([member("usr/bin/bash"), link("bin", "usr/bin")], ["bash"]),
        ([member("bin/sh")], ["sh"]),
        ([link("bin", "/bin"), member("x")], []),
    ],
)
def test_an_image_without_command_gets_its_shell(
    store: Store, tmp_path: Path, members: list, command: list[str]
) -> None:
    tar = write(tmp_path / "x", archive(members))
    assert importer.import_tar(store, "a", tar).image.config["Cmd"] == command


# Going wrong half-way


def test_a_refused_archive_leaves_nothing(store: Store, tmp_path: Path) -> None:
    hostile = archive([member("good", b"x" * 10**6), member("../bad")])
    with pytest.raises(UsageError, match=r"'\.\./bad' has \.\. in it"):
        importer.import_tar(store, "a", write(tmp_path / "x", hostile))
    assert leftovers(store) == []
    assert not Path(store.root, "layers").exists()


BIG = archive([member(f"f{n}", b"x" * 100_000) for n in range(40)])


def start_import(store: Store, *before: str) -> subprocess.Popen[bytes]:
    """Start an import from a pipe that never ends, and wait until it has unpacked something."""
    process = subprocess.Popen(
        [sys.executable, "-m", "minidocker", "image", "import", "a", "-"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=REPOSITORY,
        env={**os.environ, "MINIDOCKER_ROOT": store.root},
    )  # fmt: skip
    assert process.stdin
    process.stdin.write(BIG[: len(BIG) // 2 + 2000])
    process.stdin.flush()
    until = time.monotonic() + 20
    while not list(Path(store.root).glob("partial/*/layer/fs/f5")):
        assert time.monotonic() < until
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    return process


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["ctrl-c", "term"]
)
def test_an_interrupted_import_leaves_nothing(store: Store, number: int, status: int) -> None:
    process = start_import(store)
    process.send_signal(number)
    _, told = process.communicate(timeout=20)
    assert process.returncode == status
    assert b"Traceback" not in told
    assert leftovers(store) == []
    assert catalogue.entries(store) == []


def test_what_a_killed_import_leaves_is_removed_by_the_next(store: Store, tar: str) -> None:
    process = start_import(store)
    [mine] = leftovers(store)
    importer.import_tar(store, "b", tar)  # the living one is not touched
    assert leftovers(store) == [mine]
    process.kill()
    process.communicate()
    assert leftovers(store) == [mine]
    importer.import_tar(store, "b", tar)
    assert leftovers(store) == []


def test_prune_says_what_it_removed(store: Store, tmp_path: Path, tar: str) -> None:
    assert changes.prune(store) == []
    importer.import_tar(store, "a", tar)
    importer.import_tar(store, "a", write(tmp_path / "other", OTHER))  # takes the name away
    dead = Path(store.root, "partial", "dead", "layer")
    dead.mkdir(parents=True)
    (dead / "file").write_bytes(b"x" * 1000)
    assert [entry.names for entry in catalogue.entries(store)] == [["a:latest"], []]
    removed = changes.prune(store)
    assert [(one.kind, one.size) for one in removed] == [
        ("partial", 1000),
        ("image", 0),
        ("layer", 7),
    ]
    assert str(removed[0]) == "removed unfinished import dead (1 kB)"
    assert str(removed[2]) == f"removed layer sha256:{hashlib.sha256(SMALL).hexdigest()[:12]} (7 B)"
    assert layers(store) == [hashlib.sha256(OTHER).hexdigest()]
    assert changes.prune(store) == []


# Removing


def test_rm_keeps_what_others_need(store: Store, tmp_path: Path, tar: str) -> None:
    importer.import_tar(store, "one", tar)
    importer.import_tar(store, "two", tar, ["CMD x"])
    importer.import_tar(store, "three", write(tmp_path / "other", OTHER))
    assert {one.kind for one in changes.remove(store, ["one"])} == {"name", "image"}
    assert len(layers(store)) == 2
    removed = changes.remove(store, ["two", "three", "two:latest"])
    assert sorted(one.kind for one in removed) == ["image"] * 2 + ["layer"] * 2 + ["name"] * 2
    assert layers(store) == leftovers(store) == []
    assert catalogue.entries(store) == []


def test_rm_is_all_or_nothing(store: Store, tar: str) -> None:
    importer.import_tar(store, "one", tar)
    with pytest.raises(NotFound, match="nothing"):
        changes.remove(store, ["one", "nothing"])
    assert store.resolve("one")


def test_rm_by_id_wants_names_where_there_are_several(store: Store, tar: str) -> None:
    image = importer.import_tar(store, "one", tar).image
    names_ = Path(store.root, "images/names")
    os.symlink(os.readlink(names_ / "one:latest"), names_ / "two:latest")
    with pytest.raises(Conflict, match="2 names"):
        changes.remove(store, [image.id])
    changes.remove(store, ["one"])
    assert store.resolve("two").id == image.id
    changes.remove(store, [image.id[7:17]])
    assert catalogue.entries(store) == []


@pytest.mark.parametrize("how", ["one", "one:latest", "id", "short id"])
def test_rm_refuses_while_a_container_uses_the_image(store: Store, tar: str, how: str) -> None:
    image = importer.import_tar(store, "one", tar).image
    word = {"id": image.id, "short id": image.id[7:19]}.get(how, how)
    place = container(store, "c0ffee", image=word)
    assert catalogue.entries(store)[0].containers == ["c0ffee"]
    with pytest.raises(Conflict, match="c0ffee, which has ended") as caught:
        changes.remove(store, ["one"])
    assert caught.value.remedy == "minidocker rm c0ffee"
    with open(place / "lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(Conflict, match="running container c0ffee"):
            changes.remove(store, ["one"])
    shutil.rmtree(place)
    changes.remove(store, ["one"])


def test_layers_that_a_record_names_stay(store: Store, tmp_path: Path, tar: str) -> None:
    image = importer.import_tar(store, "one", tar).image
    container(store, "c0ffee", image="one", spec={"root": {"layers": image.layers}})
    importer.import_tar(store, "one", write(tmp_path / "other", OTHER))
    changes.prune(store)
    assert Path(image.layers[0], "etc/name").exists()


def test_broken_records_break_nothing(store: Store, tar: str) -> None:
    importer.import_tar(store, "one", tar)
    container(store, "a", image=None)
    container(store, "b", image=["x"])
    (container(store, "c") / "record.json").write_text("{")
    Path(store.root, "containers/names").mkdir()
    changes.remove(store, ["one"])


def test_history_is_newest_first_with_sizes(store: Store, tar: str) -> None:
    importer.import_tar(store, "one", tar)
    [step] = catalogue.history(store, "one")
    assert step["layer"] == hashlib.sha256(SMALL).hexdigest()
    assert step["size"] == 7
    assert step["comment"] == "imported from " + tar


# Many at once


def _import_in_a_process(root: str, name: str, tar: str) -> None:
    importer.import_tar(Store(root), name, tar)


def test_imports_and_removals_at_once(store: Store, tmp_path: Path, tar: str) -> None:
    other = write(tmp_path / "other", OTHER)
    context = multiprocessing.get_context("spawn")
    workers = [
        context.Process(
            target=_import_in_a_process, args=(store.root, f"n{n % 3}", [tar, other][n % 2])
        )
        for n in range(6)
    ]
    for worker in workers:
        worker.start()
    while any(worker.is_alive() for worker in workers):
        for name in list(catalogue.names(store)):
            with_it = store.resolve(name) if name in catalogue.names(store) else None
            if with_it:
                changes.remove(store, [name])
        changes.prune(store)
        time.sleep(0.05)
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    for entry in catalogue.entries(store):
        assert all(layer in layers(store) for layer in entry.layers)
    for name in catalogue.names(store):
        changes.remove(store, [name])
    changes.prune(store)
    assert layers(store) == leftovers(store) == []


def test_a_held_store_keeps_its_images(store: Store, tar: str) -> None:
    importer.import_tar(store, "one", tar)
    gone = threading.Thread(target=changes.remove, args=(store, ["one"]))
    with store.hold(), Store(store.root).hold():  # any number may hold it
        gone.start()
        time.sleep(0.2)
        assert store.resolve("one")
        assert gone.is_alive()
    gone.join(10)
    with pytest.raises(NotFound):
        store.resolve("one")


def test_partial_work_is_removed_whatever_happens(store: Store) -> None:
    def fail() -> None:
        with Partial(store) as work:
            Path(work.path("deep/er")).mkdir(parents=True)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert leftovers(store) == []


# The base image


@pytest.fixture(scope="module")
def busybox() -> str:
    try:
        return base.find_busybox()
    except Blocked as problem:
        pytest.skip(f"blocked: {problem.message} ({problem.remedy})")


def test_the_base_image_comes_out_the_same(store: Store, tmp_path: Path, busybox: str) -> None:
    first = base.build_base(store)
    assert base.build_base(store).image.id == first.image.id
    other = Store(str(tmp_path / "other"))
    assert base.build_base(other, "tiny:1").image.id == first.image.id
    assert first.image.name == "base:latest"
    assert first.image.config["Cmd"] == ["/bin/sh"]
    assert first.image.config["Env"] == [oci.PATH]
    found = snapshot(first.image.layers[0])
    assert found[b"tmp"][0] == oct(0o41777)
    assert found[b"bin/busybox"][0] == oct(0o100755)
    assert found[b"bin/sh"][4] == b"busybox"
    assert found[b"usr/bin/awk"][4] == b"../../bin/busybox"
    assert {b"proc", b"sys", b"dev", b"root", b"etc/passwd", b"etc/group", b"run"} <= set(found)


@pytest.mark.needs("root")
def test_the_base_image_runs(store: Store, busybox: str) -> None:
    root = base.build_base(store).image.layers[0]
    command = ["chroot", root, "/bin/sh", "-c", "ls / && id -un && echo a b | awk '{print $2}'"]
    told = subprocess.check_output(
        command, text=True, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    )
    assert told.split() == [*sorted(os.listdir(root)), "root", "b"]


def test_a_busybox_that_needs_libraries_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open(sys.executable, "rb") as file:
        start = file.read(65536)
    assert not base.is_static(start)
    assert not base.is_static(b"#!/bin/sh")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Blocked, match="no busybox") as caught:
        base.find_busybox()
    assert caught.value.remedy == "apt-get install busybox-static"
    (tmp_path / "busybox").write_bytes(start)
    (tmp_path / "busybox").chmod(0o755)
    with pytest.raises(Blocked, match="not linked statically"):
        base.find_busybox()


# File systems


def test_the_type_of_a_file_system(tmp_path: Path) -> None:
    assert overlay_check.type_of("/proc") == "proc"
    assert overlay_check.type_of("/proc/self") == "proc"
    assert overlay_check.type_of(str(tmp_path)) != "?"


def test_some_file_systems_are_unfit() -> None:
    assert overlay_check.unfit("ext4") == overlay_check.unfit("tmpfs") == overlay_check.unfit("btrfs") == ""
    for kind in ("nfs4", "vfat", "overlay", "fuse.sshfs", "fuseblk", "9p"):
        assert overlay_check.unfit(kind).startswith("it ")


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[list[str]]:
    """Words that start a program behind an overlay and a tmpfs, seen by it alone."""
    for name in ("l", "u", "w", "overlay", "ram", "ro"):
        (tmp_path / name).mkdir()
    mount = (
        f"cd {tmp_path} && mount -t overlay -o lowerdir=l,upperdir=u,workdir=w none overlay && "
        f'mount -t ramfs none ram && mount -t tmpfs -o ro none ro && cd {REPOSITORY} && exec "$@"'
    )
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", mount, "sh"]


@pytest.mark.needs("root")
@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("overlay", "on overlay: it is itself an overlay"),
        ("ro", "nothing can be written there"),
        ("ram", ""),
    ],
)
def test_a_store_on_such_a_file_system(
    mounted: list[str], tmp_path: Path, place: str, words: str
) -> None:
    done = subprocess.run(
        [*mounted, sys.executable, "-m", "minidocker", "image", "build-base"],
        env={**os.environ, "MINIDOCKER_ROOT": str(tmp_path / place)},
        capture_output=True, text=True,
    )  # fmt: skip
    if words:
        assert done.returncode == 1, done.stderr
        assert words in done.stderr
        assert "try: set MINIDOCKER_ROOT to" in done.stderr
    else:
        assert done.returncode == 0 or "overlay cannot work" in done.stderr
    assert not list((tmp_path / place).glob(".overlay-*"))


@pytest.mark.needs("root")
def test_the_probe_leaves_nothing(tmp_path: Path) -> None:
    before = Path("/proc/self/mountinfo").read_text()
    overlay_check.probe_overlay(str(tmp_path))
    assert Path("/proc/self/mountinfo").read_text() == before
    assert os.listdir(tmp_path) == []


@pytest.mark.needs("root", "overlay")
@pytest.mark.parametrize("name", ["a:b", "a,b", "a\\b", "a:b,c\\:d, e", "a b\tc"])
def test_a_path_that_overlay_could_misread(tmp_path: Path, name: str) -> None:
    """Import, run, write, commit, run what was committed, prune: all in a store with such a path."""
    root = tmp_path / name
    env = {**os.environ, "MINIDOCKER_ROOT": str(root)}

    def minidocker(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "minidocker", *words], env=env, capture_output=True, text=True,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    minidocker("image", "build-base")
    minidocker("run", "--name", "one", "base", "sh", "-c", "echo kept > /new; rm /etc/group")
    minidocker("commit", "one", "two")
    script = "cat /new; ls /etc/group 2>/dev/null; echo end"
    assert minidocker("run", "--rm", "two", "sh", "-c", script) == "kept\nend\n"
    assert minidocker("run", "--rm", "--init", "--read-only", "two", "cat", "/new") == "kept\n"
    minidocker("rm", "one")
    minidocker("prune")
    assert sorted(os.listdir(root / "containers")) in ([], ["names"])
    assert os.listdir(root / "partial") == []


def test_a_store_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Blocked, match="cannot be made"):
        overlay_check.check(Store(str(tmp_path / "file/store")))
    with pytest.raises(Blocked, match="cannot be used"), Store(str(tmp_path / "file/store")).hold():
        pass
