"""Pushing, saving and loading: what goes out is what came in, and other programs read it."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
from images_shelf import (
    ROOTFS,
    SECOND,
    Shelved,
    as_json,
    config_of,
    digest,
    get,
    serving,
    sha,
    whole,
)
from images_trees import archive, folder, member, snapshot

from minidocker.errors import Blocked, MinidockerError, NotFound, UsageError
from minidocker.images import importer, saved
from minidocker.images.archive.apply import apply_layer
from minidocker.images.archive.merged import Merged
from minidocker.images.archive.pack import Packer
from minidocker.images.packed import pack_layers
from minidocker.images.push import push, sources
from minidocker.images.registry import client as client_module
from minidocker.images.registry.client import Client
from minidocker.images.registry.credentials import Login
from minidocker.images.registry.headers import next_page
from minidocker.images.registry.tokens import Guard
from minidocker.images.store import additions, catalogue, changes, documents, files, names, oci
from minidocker.images.store.check import check
from minidocker.images.store.store import Store
from minidocker.verbs import search

Serve = Callable[..., Shelved]


def lacking(reason: str) -> NoReturn:
    """Report a test as blocked; where CI could have installed what it lacks, as failed."""
    if os.environ.get("CI") and os.geteuid() == 0 and shutil.which("apt-get"):
        pytest.fail(f"{reason}: `make test` should have installed it", pytrace=False)
    pytest.skip(f"blocked: {reason}")


def need(program: str) -> None:
    if not shutil.which(program):
        lacking(f"no {program} (sudo apt-get install {program})")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "store"))


@pytest.fixture
def other(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "other"))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "FIRST_PAUSE", 0.01)


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    yield from serving(tmp_path / "reg")


def send(store: Store, full: str, **more: Any) -> Any:
    host, path, _ = names.split(full)
    mounts = sources(store, full)
    with Client(host, path, actions="pull,push", **more) as client:
        client.scopes += [f"repository:{source}:pull" for source in set(mounts.values())]
        return push(store, full, client, mounts)


def made(store: Store, tmp_path: Path, name: str, tar: bytes = ROOTFS) -> None:
    (tmp_path / "x.tar").write_bytes(tar)
    importer.import_tar(store, name, str(tmp_path / "x.tar"))


# Push


def test_what_was_pulled_is_pushed_byte_for_byte(store: Store, serve: Serve) -> None:
    shelf = serve()
    kind = documents.MANIFESTS[1]
    text = json.dumps({**json.loads(shelf.good()), "mediaType": kind}, indent=7).encode() + b" "
    shelf.document(text, "odd", kind)
    get(store, shelf.full("odd"))
    additions.tag(store, shelf.full("odd"), f"{shelf.registry.address}/lab/new:1")
    pushed = send(store, f"{shelf.registry.address}/lab/new:1")
    assert pushed.digest == digest(text)
    assert (pushed.sent, pushed.mounted) == (0, 3)
    assert shelf.registry.shelf.manifest("lab/new", "1") == (sha(text), kind, text)


def test_a_push_sends_what_is_missing(store: Store, other: Store, serve: Serve, tmp_path: Path) -> None:
    shelf = serve()
    full = shelf.full("1")
    made(store, tmp_path, full)
    assert send(store, full)[1:] == (2, 0, 0)
    assert send(store, full)[1:] == (0, 0, 2)
    assert get(other, full).image.id == store.resolve(full).id
    assert whole(store)
    assert whole(other)


def test_what_was_made_here_is_packed_before_it_travels(
    store: Store, other: Store, serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Made twice, it is one image only when both were made in the same second.
    monkeypatch.setattr(importer.oci, "now", lambda: "2027-01-31T12:00:00Z")
    shelf = serve()
    full = shelf.full("1")
    made(store, tmp_path, full)
    before = catalogue.tags(store)[full]
    assert pack_layers(store, full)
    image, manifest = catalogue.tags(store)[full]
    assert image == before[0] and manifest != before[1]
    additions.tag(store, image[:12], "by-id")
    assert catalogue.tags(store)["by-id:latest"] == (image, manifest)  # and not as it was before
    assert whole(store)
    pushed = send(store, full)
    assert pushed.digest == f"sha256:{manifest}"
    (layer,) = catalogue.manifest_of(store, image, full)["layers"]
    (plain,) = files.load_json(store.path("blobs", "sha256", before[1]))["layers"]
    assert layer["mediaType"].endswith("tar+gzip") and layer["size"] < plain["size"] / 2
    assert get(other, full).image.id == store.resolve(full).id
    assert whole(other)
    assert not pack_layers(store, full)  # they are packed
    additions.tag(store, full, "again:1")
    made(store, tmp_path, shelf.full("2"))  # the same layer, plain again
    assert pack_layers(store, shelf.full("2"))
    assert catalogue.tags(store)[shelf.full("2")][1] == manifest
    changes.prune(store)
    assert plain["digest"].removeprefix("sha256:") not in os.listdir(store.path("blobs", "sha256"))
    assert whole(store)


def test_what_came_from_elsewhere_is_packed_by_nobody(store: Store, serve: Serve) -> None:
    shelf = serve()
    layer = shelf.layer(ROOTFS, kind="")
    text = shelf.image(layer, config=config_of(ROOTFS), tag="plain")
    assert layer["mediaType"] == oci.LAYER_TYPE
    get(store, shelf.full("plain"))
    assert not pack_layers(store, shelf.full("plain"))
    assert send(store, shelf.full("plain")).digest == digest(text)


def test_a_push_with_tokens_mounts_from_elsewhere(store: Store, serve: Serve, tmp_path: Path) -> None:
    shelf = serve(guard=Guard("me:secret"))
    login = Login("me", "secret")
    full = shelf.full("1")
    made(store, tmp_path, full)
    with pytest.raises(Blocked, match="wants a login"):
        send(store, full)
    assert send(store, full, login=login).sent == 2
    additions.tag(store, full, f"{shelf.registry.address}/lab/two")
    assert send(store, f"{shelf.registry.address}/lab/two:latest", login=login)[1:] == (0, 2, 0)
    with pytest.raises(Blocked, match="does not take the login of me"):
        send(store, full, login=Login("me", "wrong"))


def test_nobody_pushes_with_an_anonymous_token(store: Store, serve: Serve, tmp_path: Path) -> None:
    shelf = serve(guard=Guard("me:secret", anonymous=True))
    made(store, tmp_path, shelf.full())
    with pytest.raises(Blocked, match="does not let you do this to lab/one") as caught:
        send(store, shelf.full())
    assert caught.value.remedy == f"minidocker login {shelf.registry.address}"


@pytest.mark.parametrize("fault", ["429", "500", "expired"])
def test_faults_that_pass(store: Store, serve: Serve, tmp_path: Path, fault: str) -> None:
    shelf = serve(fault, guard=Guard("me:secret") if fault == "expired" else None)
    made(store, tmp_path, shelf.full())
    assert send(store, shelf.full(), login=Login("me", "secret")).sent == 2
    assert whole(store)


def test_a_place_where_no_bytes_go(
    store: Store, serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from minidocker.images.registry import server

    shelf = serve()
    made(store, tmp_path, shelf.full())
    for place in ("http://example.org/x", "file:///etc/x", "gopher://127.0.0.1/"):
        monkeypatch.setattr(
            server.Handler, "begin",
            lambda self, name, place=place: self.send(202, headers={"Location": place}),
        )  # fmt: skip
        with pytest.raises((Blocked, NotFound), match=r"not https|has not what"):
            send(store, shelf.full())


@pytest.mark.parametrize("how", ["relative", "redirect", "no look"])
def test_what_a_registry_may_do(
    store: Store, other: Store, serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    from minidocker.images.registry import server

    shelf = serve()
    made(store, tmp_path, shelf.full())
    real, begin, head = server.Handler.send, server.Handler.begin, server.Handler.get_blob

    def relative(self: Any, status: int, *words: Any, **more: Any) -> None:
        if status == 202:
            more["headers"]["Location"] = more["headers"]["Location"].rpartition("/")[2]
        real(self, status, *words, **more)

    def redirect(self: Any, name: str) -> None:
        if "again" in self.path:
            return begin(self, name)
        return real(self, 307, headers={"Location": f"/v2/{name}/blobs/uploads/?again=1"})

    def no_look(self: Any, name: str, digest: str) -> None:
        return real(self, 405) if self.command == "HEAD" else head(self, name, digest)

    found = {"relative": ("send", relative), "redirect": ("begin", redirect), "no look": ("get_blob", no_look)}
    monkeypatch.setattr(server.Handler, *found[how])
    assert send(store, shelf.full()).sent == 2
    assert get(other, shelf.full()).fresh == 1


def test_an_upload_without_a_place(
    store: Store, serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from minidocker.images.registry import server

    shelf = serve()
    made(store, tmp_path, shelf.full())
    monkeypatch.setattr(server.Handler, "begin", lambda self, name: self.send(202))
    with pytest.raises(Blocked, match="names no place"):
        send(store, shelf.full())


def test_a_body_goes_to_no_other_host(monkeypatch: pytest.MonkeyPatch) -> None:
    from minidocker.images.registry.transport import Transport

    asked: list[str] = []

    class Moved:
        status, headers = 307, {"Location": "https://other.example/x"}

    def once(self: Transport, method: str, url: str, *rest: Any) -> Any:
        asked.append(url)
        return Moved()

    monkeypatch.setattr(Transport, "_once", once)
    assert Transport().send("POST", "https://one.example/token", {}, b"refresh_token=secret").status == 307
    assert asked == ["https://one.example/token"]


def test_a_missing_image_or_blob(store: Store, serve: Serve, tmp_path: Path) -> None:
    shelf = serve()
    with pytest.raises(NotFound, match="no image"):
        send(store, shelf.full())
    made(store, tmp_path, shelf.full())
    os.unlink(store.path("blobs/sha256", sha(ROOTFS)))
    with pytest.raises(MinidockerError, match="is missing") as caught:
        send(store, shelf.full())
    assert caught.value.remedy == "minidocker image check"
    assert os.listdir(store.path("partial")) == []


def test_what_is_removed_meanwhile_is_pushed(
    store: Store, other: Store, serve: Serve, tmp_path: Path
) -> None:
    shelf = serve()
    full = shelf.full()
    made(store, tmp_path, full)
    real, alone = Client.ask, threading.Lock()  # blobs are asked for side by side

    def ask(self: Client, method: str, *rest: Any, **more: Any) -> Any:
        with alone:
            if method == "HEAD" and catalogue.names(store):
                changes.remove(store, [full])
        return real(self, method, *rest, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Client, "ask", ask)
        send(store, full)
    assert get(other, full)


# Save and load


def test_save_and_load(store: Store, other: Store, tmp_path: Path) -> None:
    made(store, tmp_path, "one")
    made(store, tmp_path, "h.io/two:2", SECOND)
    for _ in range(2):
        out = io.BytesIO()
        saved.save(store, ["one", "h.io/two:2", "one"], out)
        (tmp_path / "saved.tar").write_bytes(out.getvalue())
    again = io.BytesIO()
    saved.save(store, ["one", "h.io/two:2", "one"], again)
    assert again.getvalue() == out.getvalue()
    arrived = saved.load(other, str(tmp_path / "saved.tar"))
    assert {one.image.id for one in arrived} == {store.resolve(n).id for n in ("one", "h.io/two:2")}
    assert catalogue.tags(other) == catalogue.tags(store)
    assert whole(other)
    assert [one.fresh for one in saved.load(other, str(tmp_path / "saved.tar"))] == [0, 0]
    id = store.resolve("one").id
    saved.save(store, [id[7:19]], io.BytesIO())
    with pytest.raises(NotFound):
        saved.save(store, ["none"], io.BytesIO())
    assert os.listdir(store.path("partial")) == []


def docker_tar(tmp_path: Path, *extra: Any, **table: Any) -> str:
    """An archive as `docker save` wrote it before 2024: layers by a name, and links between them."""
    config = as_json(config_of(ROOTFS, ROOTFS, SECOND))
    entry = {
        "Config": f"{sha(config)}.json", "RepoTags": ["old:1", "old:2"],
        "Layers": ["a/layer.tar", "b/layer.tar", "c/layer.tar"], **table,
    }  # fmt: skip
    path = tmp_path / "docker.tar"
    path.write_bytes(archive([
        folder("a"), member("a/layer.tar", ROOTFS), member("a/json", b"{}"), member("a/VERSION", b"1.0"),
        member("b/layer.tar", type=tarfile.SYMTYPE, linkname="../a/layer.tar"),
        member("c/layer.tar", SECOND), member(f"{sha(config)}.json", config), *extra,
        member("manifest.json", as_json([entry])), member("repositories", b"{}"),
    ]))  # fmt: skip
    return str(path)


def test_an_old_docker_archive(store: Store, tmp_path: Path) -> None:
    [arrived] = saved.load(store, docker_tar(tmp_path))
    assert sorted(catalogue.names(store)) == ["old:1", "old:2"]
    assert [layer.split("/")[-2] for layer in arrived.image.layers] == [
        sha(ROOTFS), sha(ROOTFS), sha(SECOND)
    ]  # fmt: skip
    assert whole(store)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"Layers": ["a/layer.tar"]}, "3 diff ids for 1 layers"),
        ({"Layers": ["a/layer.tar", "a/layer.tar", "a/layer.tar"]}, "not the layer"),
        ({"Layers": ["/etc/passwd"] * 3}, "it lacks '/etc/passwd'"),
        ({"Layers": ["../../etc/passwd"] * 3}, "it lacks"),
        ({"Layers": [5]}, "it lacks '5'"),
        ({"Layers": None}, "wrong type"),
        ({"Config": "x.json"}, "it lacks 'x.json'"),
        ({"RepoTags": ["../x"]}, "is not a name"),
        ({"RepoTags": ["a@sha256:" + "1" * 64]}, "has a digest"),
        ({"RepoTags": ["sha256:" + "1" * 64]}, "taken for the id"),
        ({"RepoTags": ["docker.io/library/sha256:x"]}, "taken for the id"),
        ({"RepoTags": ["1" * 64 + ":latest"]}, "taken for the id"),
    ],
)
def test_hostile_docker_archives(store: Store, tmp_path: Path, table: dict, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        saved.load(store, docker_tar(tmp_path, **table))
    assert catalogue.names(store) == {}
    changes.prune(store)
    assert not any(check(store)[1].values())


def test_links_in_a_circle(store: Store, tmp_path: Path) -> None:
    links = [member(f"l{n}", type=tarfile.SYMTYPE, linkname=f"l{1 - n}") for n in (0, 1)]
    outside = member("out", type=tarfile.SYMTYPE, linkname="/etc/passwd")
    for name in ("l0", "out"):
        with pytest.raises(UsageError, match="it lacks"):
            saved.load(store, docker_tar(tmp_path, *links, outside, Config=name))


def oci_tar(tmp_path: Path, *entries: Any, blobs: tuple[bytes, ...] = ()) -> str:
    index = {"schemaVersion": 2, "manifests": list(entries)}
    path = tmp_path / "oci.tar"
    path.write_bytes(archive([
        member("oci-layout", b'{"imageLayoutVersion":"1.0.0"}'), member("./index.json", as_json(index)),
        *(member(f"blobs/sha256/{sha(data)}", data) for data in blobs),
    ]))  # fmt: skip
    return str(path)


def whole_image(layer: bytes, **more: Any) -> tuple[dict, tuple[bytes, ...]]:
    """The entry of an index for an image of one plain layer, and its blobs."""
    config = as_json(config_of(layer))
    manifest = as_json(oci.manifest(
        oci.descriptor(oci.CONFIG_TYPE, sha(config), len(config)),
        [oci.descriptor(oci.LAYER_TYPE, sha(layer), len(layer))],
    ))  # fmt: skip
    entry = {**oci.descriptor(oci.MANIFEST_TYPE, sha(manifest), len(manifest)), **more}
    return entry, (config, manifest, layer)


def test_what_lies_in_a_layout_beside_an_image(store: Store, tmp_path: Path) -> None:
    def called(ref: str) -> dict[str, str]:
        return {"org.opencontainers.image.ref.name": ref}

    def machine(architecture: str) -> dict[str, str]:
        return {"os": "linux" if architecture != "unknown" else "unknown", "architecture": architecture}

    empty = {**oci.descriptor("application/vnd.oci.empty.v1+json", sha(b"{}"), 2)}
    note = as_json({"schemaVersion": 2, "mediaType": oci.MANIFEST_TYPE, "config": empty, "layers": [empty]})
    signature = oci.descriptor(oci.MANIFEST_TYPE, sha(note), len(note))
    absent = {**oci.descriptor(oci.MANIFEST_TYPE, "1" * 64, 500), "annotations": called("lab:1")}
    here = oci.here()["architecture"]
    image, blobs = whole_image(ROOTFS, annotations=called("lab:1"), platform=machine(here))
    layout = oci_tar(
        tmp_path, {**signature, "annotations": called("sig")}, {**absent, "platform": machine("s390x")},
        {**signature, "platform": machine("unknown")}, image, blobs=(note, *blobs),
    )  # fmt: skip
    assert [one.image.name for one in saved.load(store, layout)] == ["lab:1"]
    other, blobs = whole_image(SECOND, annotations=called("V1.0+build"))
    [loaded] = saved.load(store, oci_tar(tmp_path, other, blobs=blobs))
    assert loaded.image.name.startswith("sha256:")  # such a word is no name: it comes by its id
    assert list(catalogue.names(store)) == ["lab:1"]
    with pytest.raises(UsageError, match="names no image"):
        saved.load(store, oci_tar(tmp_path, {**signature, "platform": machine("unknown")}, blobs=(note,)))
    with pytest.raises(UsageError, match="no container image"):
        saved.load(store, oci_tar(tmp_path, signature, blobs=(note,)))


def test_a_frame_of_zstd_that_says_nothing_may_come_first(store: Store, tmp_path: Path) -> None:
    need("zstd")
    packed = subprocess.run(["zstd", "-qc"], input=ROOTFS, stdout=subprocess.PIPE, check=True).stdout
    odd = bytes.fromhex("502a4d1804000000") + b"size" + packed  # as pzstd writes it
    config = as_json(config_of(ROOTFS))
    table = [{"Config": "c.json", "RepoTags": ["lab:1"], "Layers": ["l.tar"]}]
    (tmp_path / "d.tar").write_bytes(archive([
        member("manifest.json", as_json(table)), member("c.json", config), member("l.tar", odd),
    ]))  # fmt: skip
    assert [one.fresh for one in saved.load(store, str(tmp_path / "d.tar"))] == [1]


def test_hostile_oci_archives(store: Store, tmp_path: Path) -> None:
    entry = oci.descriptor(oci.MANIFEST_TYPE, "1" * 64, 5)
    inner = as_json({"schemaVersion": 2, "manifests": [entry]})
    loop = oci.descriptor(oci.INDEX_TYPE, sha(inner), len(inner))
    for entries, words in (
        ([], "names nothing"),
        ([entry], "lacks the blob 111111"),
        ([{**entry, "digest": "sha256:../x"}], "no sha256 digest"),
        ([5], "no JSON object"),
        ([loop], "not there for|lacks the blob"),
    ):
        with pytest.raises((UsageError, NotFound), match=words):
            saved.load(store, oci_tar(tmp_path, *entries, blobs=(inner,)))
    assert catalogue.names(store) == {}


def test_what_is_no_saved_image(store: Store, tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_bytes(ROOTFS)
    with pytest.raises(UsageError, match="holds no saved images") as caught:
        saved.load(store, str(tmp_path / "x.tar"))
    assert caught.value.remedy.startswith("minidocker import ")
    with pytest.raises(UsageError, match="is a directory") as caught:
        saved.load(store, str(tmp_path))
    assert caught.value.remedy.endswith(" | minidocker load")
    assert os.listdir(store.path("partial")) == []


# Export


def test_the_merged_tree_is_what_applying_gives(tmp_path: Path) -> None:
    if os.geteuid():
        pytest.skip("blocked: needs root (sudo make test)")
    third = archive([
        folder("opt"), member("opt/.wh..wh..opq"), member("opt/new", b"n"), member("bin", b"file"),
        member("etc/.wh.name"), member("l", type=tarfile.SYMTYPE, linkname="/etc"),
    ])  # fmt: skip
    first = archive([folder("opt"), member("opt/old"), folder("bin"), member("bin/sh"),
                     folder("etc"), member("etc/name", b"1"), member("a/b/c/d", b"deep")])  # fmt: skip
    from minidocker.images.archive.apply import Lower
    from minidocker.images.archive.stream import Stream
    from minidocker.images.archive.tar import Archive

    layers = []
    (tmp_path / "flat").mkdir()
    for number, tar in enumerate((first, SECOND, third)):
        layer = tmp_path / f"l{number}"
        layer.mkdir()
        pieces = iter([tar, b""])
        Lower(str(layer), "x").unpack(Archive(Stream(lambda pieces=pieces: next(pieces, b""), "x")))
        layers.append(str(layer))
        (tmp_path / f"{number}.tar").write_bytes(tar)
        apply_layer(str(tmp_path / f"{number}.tar"), str(tmp_path / "flat"))
    with Merged(layers) as tree:
        packer = Packer(tree)
        data = b"".join(iter(packer.next_piece, b""))
    (tmp_path / "merged.tar").write_bytes(data)
    (tmp_path / "out").mkdir()
    apply_layer(str(tmp_path / "merged.tar"), str(tmp_path / "out"))

    def seen(name: str) -> dict[bytes, tuple]:  # a directory that no archive names has any time
        tree = snapshot(tmp_path / name)
        return {p: (*v[:3], *v[4:]) if v[0].startswith("0o4") else v for p, v in tree.items()}

    assert seen("out") == seen("flat")


def test_a_layer_that_changes_while_it_is_read_leads_nowhere_else(tmp_path: Path) -> None:
    (tmp_path / "host/secret").mkdir(parents=True)
    layer = tmp_path / "upper"
    (layer / "d/in").mkdir(parents=True)
    for name in ("a", "b"):
        (layer / name).touch()
    with Merged([str(layer)]) as tree:
        entries = iter(tree)
        assert [next(entries).path for _ in range(2)] == [(), (b"a",)]
        (layer / "b").unlink()
        assert next(entries).path == (b"d",)
        (layer / "d").rename(layer / "e")
        (layer / "d").symlink_to(tmp_path / "host")
        with pytest.raises(Blocked, match="changed while it was read"):
            next(entries)


# Other programs


@pytest.fixture
def skopeo(tmp_path: Path) -> Callable[..., str]:
    need("skopeo")
    policy = tmp_path / "policy.json"
    policy.write_text('{"default":[{"type":"insecureAcceptAnything"}]}')

    def run(*words: str) -> str:
        return subprocess.run(
            ["skopeo", "--policy", str(policy), *words], check=True, capture_output=True, text=True,
            timeout=60, env={**os.environ, "HOME": str(tmp_path)},
        ).stdout  # fmt: skip

    return run


def test_skopeo_reads_the_store_in_place(store: Store, tmp_path: Path, skopeo: Callable) -> None:
    made(store, tmp_path, "one")
    told = json.loads(skopeo("inspect", f"oci:{store.root}:one"))
    assert told["Digest"] == f"sha256:{catalogue.tags(store)['one:latest'][1]}"
    assert told["Layers"] == [digest(ROOTFS)]
    skopeo("copy", f"oci:{store.root}:one:latest", f"oci:{tmp_path}/copy:x")


def test_umoci_reads_the_store_in_place(store: Store, tmp_path: Path) -> None:
    need("umoci")
    made(store, tmp_path, "one")
    subprocess.run(
        ["umoci", "unpack", "--rootless", "--image", f"{store.root}:one", str(tmp_path / "bundle")],
        check=True, capture_output=True,
    )  # fmt: skip
    assert (tmp_path / "bundle/rootfs/etc/name").read_bytes() == b"one"
    assert whole(store)


@pytest.mark.parametrize("kind", ["oci-archive", "docker-archive"])
def test_skopeo_and_our_archives(
    store: Store, other: Store, tmp_path: Path, skopeo: Callable, kind: str
) -> None:
    made(store, tmp_path, "one")
    with open(tmp_path / "ours.tar", "wb") as out:
        saved.save(store, ["one"], out)
    assert skopeo("inspect", f"{kind}:{tmp_path}/ours.tar")
    skopeo("copy", f"{kind}:{tmp_path}/ours.tar", f"{kind}:{tmp_path}/theirs.tar:two:2")
    [arrived] = saved.load(other, str(tmp_path / "theirs.tar"))
    assert list(catalogue.names(other)) == ["two:2"]
    assert Path(arrived.image.layers[0], "etc/name").read_bytes() == b"one"
    assert whole(other)


def test_skopeo_and_our_registry(store: Store, serve: Serve, tmp_path: Path, skopeo: Callable) -> None:
    shelf = serve(guard=Guard("me:secret"))
    made(store, tmp_path, "one")
    there = f"docker://{shelf.full()}"
    skopeo("copy", "--dest-creds=me:secret", "--dest-tls-verify=false", f"oci:{store.root}:one", there)
    assert get(store, shelf.full(), login=Login("me", "secret")).image.id == store.resolve("one").id
    told = json.loads(skopeo("inspect", "--creds=me:secret", "--tls-verify=false", there))
    assert told["RepoTags"] == ["latest"]


@pytest.fixture
def short_path() -> Iterator[str]:
    """A directory with a short name: podman's runroot may have 50 characters."""
    with tempfile.TemporaryDirectory(prefix="pm-", dir="/tmp") as folder:
        yield folder


@pytest.mark.parametrize("kind", ["oci-archive", "docker-archive"])
def test_podman_loads_and_saves(
    store: Store, other: Store, tmp_path: Path, short_path: str, kind: str
) -> None:
    if not shutil.which("podman") or os.geteuid():
        pytest.skip("blocked: needs podman and root (sudo apt-get install podman)")
    made(store, tmp_path, "lab/one:1")
    with open(tmp_path / "ours.tar", "wb") as out:
        saved.save(store, ["lab/one:1"], out)
    places = [f"--root={short_path}/p", f"--runroot={short_path}/r"]
    podman = ["podman", *places, "--storage-driver=vfs"]

    def run(*words: str) -> str:
        return subprocess.run([*podman, *words], check=True, capture_output=True, text=True).stdout

    assert "lab/one:1" in run("load", "-i", str(tmp_path / "ours.tar"))
    run("save", f"--format={kind}", "-o", str(tmp_path / "theirs.tar"), "lab/one:1")
    [arrived] = saved.load(other, str(tmp_path / "theirs.tar"))
    assert list(catalogue.names(other)) == ["lab/one:1"]
    assert arrived.image.id == store.resolve("lab/one:1").id
    assert whole(other)


@pytest.fixture
def debian_registry(tmp_path: Path) -> Iterator[str]:
    """Debian's docker-registry with token authentication by our own token server."""
    need("docker-registry")
    import socket

    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    (tmp_path / "config.yml").write_text(
        f"version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {tmp_path}/dr}}}}\n"
        f"http: {{addr: '{address}'}}\n"
    )
    process = subprocess.Popen(
        ["docker-registry", "serve", str(tmp_path / "config.yml")],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            socket.create_connection(tuple(address.split(":")), timeout=1).close()  # type: ignore[arg-type]
            break
        except OSError:
            time.sleep(0.05)
    yield address
    process.kill()
    process.wait()


def test_debians_registry(store: Store, other: Store, tmp_path: Path, debian_registry: str) -> None:
    full = f"{debian_registry}/lab/one:1"
    made(store, tmp_path, full)
    assert send(store, full).sent == 2
    additions.tag(store, full, f"{debian_registry}/lab/two:2")
    assert send(store, f"{debian_registry}/lab/two:2").mounted == 2
    assert get(other, full).image.id == store.resolve(full).id
    assert catalogue.tags(other)[full] == catalogue.tags(store)[full]
    assert whole(other)


# The commands


def test_the_commands(serve: Serve, minidocker: Callable, tmp_path: Path) -> None:
    shelf = serve(guard=Guard("me:secret"))
    full, home = shelf.full("1"), {"HOME": str(tmp_path), "REGISTRY_AUTH_FILE": ""}

    def run(*words: str, status: int = 0, **more: Any) -> Any:
        done = minidocker(*words, env=home, **more)
        assert done.returncode == status, done.stderr
        return done

    host = shelf.registry.address
    run("tag", "base", full)
    assert "wants a login" in run("push", full, status=1).stderr
    assert "no terminal" in run("login", host, status=1).stderr
    login = ("login", host, "-u", "me", "--password-stdin")
    wrong = run(*login, status=1, stdin=None, input="hunter2\n")
    assert "does not take the login of me" in wrong.stderr
    assert "hunter2" not in wrong.stderr + wrong.stdout
    assert "logged in" in run(*login, stdin=None, input="secret\n").stdout
    pushed = run("push", full).stdout.strip()
    assert pushed.startswith("sha256:")
    assert json.loads(run("manifest", "inspect", full).stdout)["schemaVersion"] == 2
    assert "schemaVersion" in run("manifest", "inspect", full, "--platform", "").stdout
    run("rmi", full)
    assert full.rpartition(":")[0] not in run("images").stdout
    done = run("run", "--rm", full, "echo", "hi")
    assert done.stdout == "hi\n"
    assert f"{full}: " in done.stderr
    assert run("run", "--rm", "--pull", "never", full, "echo", "hi").stderr == ""
    run("run", "--rm", "--pull", "always", full, "true")
    run("rmi", full)
    assert "no image" in run("run", "--pull", "never", full, "true", status=125).stderr
    assert "none of always" in run("run", "--pull", "x", full, "true", status=125).stderr
    run("save", "base", "-o", str(tmp_path / "base.tar"))
    assert run("load", "-i", str(tmp_path / "base.tar")).stdout == "Loaded image: base:latest\n"
    name = f"box-{os.getpid()}"
    run("run", "--name", name, "base", "sh", "-c", "echo new > /etc/new; rm /etc/shells")
    run("export", name, "-o", str(tmp_path / "box.tar"))
    with tarfile.open(tmp_path / "box.tar") as tar:
        assert {"etc/new", "bin/busybox"} <= set(tar.getnames())
        assert "etc/shells" not in tar.getnames()
    run("import", str(tmp_path / "box.tar"), "flat:1", "-c", "CMD cat /etc/new")
    assert run("run", "--rm", "flat:1").stdout == "new\n"
    table = [line.split("  ")[0] for line in run("system", "df").stdout.splitlines()]
    assert table[:5] == ["TYPE", "Images", "Containers", "Local Volumes", "Build Cache"]
    told = run("system", "df", "--format", "{{.Type}}={{.TotalCount}}").stdout
    assert "Local Volumes=0\n" in told
    assert json.loads(run("system", "df", "--json").stdout)["containers"]["count"] >= 1
    run("rm", name)
    run("rmi", "flat:1")
    assert f"logged out of {host}" in run("logout", host).stdout
    assert f"not logged in to {host}" in run("logout", host).stdout
    assert run("image", "check").stdout.startswith("the store is whole")


def test_search_at_a_registry(serve: Serve, minidocker: Callable) -> None:
    shelf = serve()
    shelf.good()
    assert f"{shelf.registry.address}/lab/one" in minidocker(
        "search", f"{shelf.registry.address}/lab"
    ).stdout
    assert minidocker("search", f"{shelf.registry.address}/none").returncode == 1


def test_a_search_reads_every_page(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = serve()
    for name in ("lab/a", "lab/b", "lab/c", "lab/d", "lab/e"):
        os.makedirs(f"{shelf.registry.shelf.directory}/repositories/{name.replace('/', '%')}")
    monkeypatch.setattr(search, "PAGE", 2)
    found = search.of_registry(shelf.registry.address, "lab", False)
    host = shelf.registry.address
    assert [row["name"] for row in found] == [f"{host}/lab/{name}" for name in "abcde"]


@pytest.mark.parametrize(
    ("link", "place"),
    [('</v2/_catalog?n=2&last=a%2Fb>; rel="next"', "/v2/_catalog?n=2&last=a%2Fb"),
     ("<https://h/v2/x?n=1>; a=b; rel=next", "/v2/x?n=1"), ("<_catalog?last=b>;rel='next'", "_catalog?last=b"),
     ("</a>; rel=prev, </b>; REL=next", "/b"), ("<//evil/x>; rel=next", "/x"), ("<x////evil>", ""),
     ("<http:////evil/x>; rel=next", "/evil/x"), ("<http://[/>; rel=next", ""), ("", ""),
     ('</a>; rel="nextone"', "")],
)  # fmt: skip
def test_the_next_page_is_at_the_same_registry(link: str, place: str) -> None:
    assert next_page(link) == place
