"""Pulling: what comes in, what is refused, and what stays when something breaks."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import hashlib
import io
import json
import os
import shutil
import socket
import subprocess
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

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
from images_trees import archive, hard, link, member

from minidocker.errors import Blocked, MinidockerError, NotFound, UsageError
from minidocker.images import arrival, importer
from minidocker.images.registry import client as client_module
from minidocker.images.registry import transport
from minidocker.images.registry.client import Client
from minidocker.images.registry.credentials import Login
from minidocker.images.registry.headers import challenges
from minidocker.images.registry.tokens import Guard
from minidocker.images.store import catalogue, changes, documents, names, oci
from minidocker.images.store.check import check
from minidocker.images.store.store import Store

Serve = Callable[..., Shelved]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "store"))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "FIRST_PAUSE", 0.01)


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    yield from serving(tmp_path / "reg")


def blobs(store: Store) -> list[str]:
    path = Path(store.path("blobs/sha256"))
    return sorted(p.name for p in path.iterdir()) if path.exists() else []


def nothing_stays(store: Store, incoming: bool = False) -> bool:
    """Nothing in the store: no blob, layer, name, half-made work, or download."""
    damage, counts = check(store)
    left = [*os.listdir(store.path("partial"))] if os.path.exists(store.path("partial")) else []
    if not incoming and os.path.exists(store.path("incoming")):
        left += os.listdir(store.path("incoming"))
    return not damage and not any(counts.values()) and not left


# What comes in


def test_an_image_comes_as_it_is(store: Store, serve: Serve) -> None:
    shelf = serve()
    manifest = shelf.good()
    pulled = get(store, shelf.full())
    assert (pulled.digest, pulled.fresh) == (digest(manifest), 2)
    image = store.resolve(shelf.full())
    assert image.config["Cmd"] == ["/bin/sh"]
    assert Path(image.layers[1], "etc/name").read_bytes() == b"two"
    assert [layer.split("/")[-2] for layer in image.layers] == [sha(ROOTFS), sha(SECOND)]
    served = Path(shelf.registry.shelf.directory, "blobs/sha256")
    assert blobs(store) == sorted(p.name for p in served.iterdir())
    for hex in blobs(store):
        assert Path(store.path("blobs/sha256", hex)).read_bytes() == (served / hex).read_bytes()
    assert whole(store)
    assert os.listdir(store.path("incoming")) == []


def test_a_second_pull_asks_for_the_manifest_alone(store: Store, serve: Serve) -> None:
    shelf = serve()
    shelf.good()
    get(store, shelf.full())
    del shelf.registry.lines[:]
    assert get(store, shelf.full()).fresh == 0
    assert [line for line in shelf.registry.lines if "/blobs/" in line] == []


def test_shared_layers_come_once(store: Store, serve: Serve) -> None:
    shelf = serve()
    shelf.good()
    get(store, shelf.full())
    shelf.image(shelf.layer(ROOTFS), config=config_of(ROOTFS), tag="small")
    del shelf.registry.lines[:]
    assert get(store, shelf.full("small")).fresh == 0
    assert len([line for line in shelf.registry.lines if "/blobs/" in line]) == 1  # configuration
    assert whole(store)


def test_a_moved_tag_takes_its_name_along(store: Store, serve: Serve) -> None:
    shelf = serve()
    shelf.good()
    old = get(store, shelf.full()).image.id
    shelf.image(shelf.layer(SECOND), config=config_of(SECOND))
    new = get(store, shelf.full()).image.id
    assert old != new
    assert store.resolve(shelf.full()).id == new
    changes.prune(store)
    assert {entry.id for entry in catalogue.entries(store)} == {new}
    assert whole(store)


@pytest.mark.parametrize("kind", ["", "+gzip", "two gzips", "zstd"])
def test_packings(store: Store, serve: Serve, kind: str) -> None:
    shelf = serve()
    if kind == "two gzips":
        packed = gzip.compress(SECOND[:700]) + gzip.compress(SECOND[700:])
        layer = shelf.layer(SECOND, "+gzip", packed)
    elif kind == "zstd":
        if not shutil.which("zstd"):
            pytest.skip("blocked: no zstd (apt-get install zstd)")
        packed = subprocess.check_output(["zstd", "-cq"], input=SECOND)
        layer = shelf.layer(SECOND, "+zstd", packed)
    else:
        layer = shelf.layer(SECOND, kind)
    shelf.image(layer, config=config_of(SECOND))
    assert get(store, shelf.full()).fresh == 1
    assert whole(store)


def test_zstd_where_it_lacks(store: Store, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = serve()
    packed = b"\x28\xb5\x2f\xfd" + bytes(50)
    shelf.image(shelf.layer(SECOND, "+zstd", packed), config=config_of(SECOND))
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Blocked, match="needs zstd, which is not here") as caught:
        get(store, shelf.full())
    assert caught.value.remedy == "apt-get install zstd"


def test_the_media_type_of_a_layer_may_lie(store: Store, serve: Serve) -> None:
    """As with Docker and Podman, the bytes themselves say how they are packed; the digests judge."""
    shelf = serve()
    shelf.image(shelf.layer(SECOND, "+gzip", SECOND), config=config_of(SECOND))
    assert get(store, shelf.full()).fresh == 1
    assert whole(store)


def test_docker_types(store: Store, serve: Serve) -> None:
    shelf = serve()
    kind = documents.DOCKER + "distribution.manifest.v2+json"
    layer = {**shelf.layer(ROOTFS), "mediaType": documents.DOCKER + "image.rootfs.diff.tar.gzip"}
    own = {**shelf.blob(as_json(config_of(ROOTFS))), "mediaType": documents.CONFIGS[1]}
    shelf.image(layer, config=config_of(ROOTFS), kind=kind, mediaType=kind, tag="x")
    shelf.image(layer, config=config_of(ROOTFS), kind=kind, mediaType=kind, config_=1, tag="y")
    manifest = as_json({**oci.manifest(own, [layer]), "mediaType": kind})
    shelf.document(manifest, "latest", kind)
    assert get(store, shelf.full()).digest == digest(manifest)
    assert get(store, shelf.full("x")).image.id == get(store, shelf.full()).image.id
    assert whole(store)  # one image under two manifests
    changes.remove(store, [shelf.full("x")])
    assert whole(store)


def entry(descriptor: dict, os_: str, arch: str, variant: str = "") -> dict:
    platform = {"os": os_, "architecture": arch} | ({"variant": variant} if variant else {})
    return {**descriptor, "platform": platform}


def index(*entries: dict, **more: Any) -> bytes:
    return as_json(
        {"schemaVersion": 2, "mediaType": oci.INDEX_TYPE, "manifests": list(entries), **more}
    )


def put_many(shelf: Shelved) -> dict[str, bytes]:
    """An index with images for several machines, an attestation, and an index inside."""
    found = {}
    entries = []
    for arch, variant in (("amd64", ""), ("arm64", "v8"), ("arm", "v6"), ("arm", "v7")):
        tar = archive([member("etc/arch", (arch + variant).encode())])
        config = config_of(tar, architecture=arch)
        data = shelf.image(shelf.layer(tar), config=config, tag=f"{arch}{variant}")
        found[arch + variant] = data
        entries.append(entry(oci.descriptor(oci.MANIFEST_TYPE, sha(data), len(data)), "linux", arch, variant))
    attest = shelf.document(as_json({"schemaVersion": 2, "layers": []}), "attest")
    inner = shelf.document(index(*entries), "inner", oci.INDEX_TYPE)
    shelf.document(
        index(entry(attest, "unknown", "unknown"), {**inner}), "latest", oci.INDEX_TYPE
    )
    shelf.document(index(entry(attest, "unknown", "unknown"), *entries), "flat", oci.INDEX_TYPE)
    return found


@pytest.mark.parametrize(
    ("platform", "wanted"),
    [("linux/amd64", "amd64"), ("linux/arm64", "arm64v8"), ("arm64", "arm64v8"),
     ("linux/arm/v6", "armv6"), ("linux/arm", "armv7"), ("linux/arm64/v8", "arm64v8"),
     ("linux/x86_64", "amd64"), ("LINUX/ARM64", "arm64v8"), ("linux/arm64/8", "arm64v8"),
     ("linux/armhf", "armv7"), ("linux/armel", "armv6"), ("linux/arm/v8", "armv7"),
     ("linux/amd64/v3", "amd64")],
)  # fmt: skip
@pytest.mark.parametrize("tag", ["flat", "latest"])
def test_the_platform_is_chosen(
    store: Store, serve: Serve, platform: str, wanted: str, tag: str
) -> None:
    shelf = serve()
    manifests = put_many(shelf)
    get(store, shelf.full(tag), platform)
    assert catalogue.tags(store)[shelf.full(tag)][1] == sha(manifests[wanted])


@pytest.mark.parametrize(
    ("platform", "there", "wanted"),
    [("arm/v7", "v5 v6", "v6"), ("arm", "v5 v6", "v6"), ("arm/v6", "v5 v7", "v5"), ("arm/v5", "v6 v7", ""),
     ("amd64/v4", "v2 v3", "v3"), ("amd64", "v3 v2 ", ""), ("amd64/v2", " v3", ""), ("arm64/v9", "v8", "v8")],
)  # fmt: skip
def test_what_is_for_an_older_processor_does(platform: str, there: str, wanted: str) -> None:
    asked = oci.read_platform(f"linux/{platform}")
    entries = [
        entry(oci.descriptor(oci.MANIFEST_TYPE, sha(v.encode()), 1), "linux", asked["architecture"], v)
        for v in there.split(" ")
    ]
    if wanted or "" in there.split(" "):
        assert documents.choose({"manifests": entries}, asked, "it").hex == sha(wanted.encode())
    else:
        with pytest.raises(NotFound):
            documents.choose({"manifests": entries}, asked, "it")


def test_a_platform_that_is_not_there(store: Store, serve: Serve) -> None:
    shelf = serve()
    put_many(shelf)
    with pytest.raises(NotFound, match="not there for linux/s390x") as caught:
        get(store, shelf.full(), "s390x")
    assert "linux/arm64/v8" in caught.value.remedy
    assert "unknown" not in caught.value.remedy
    for bad in ("a/b/c/d", "linux/", "../x", "linux amd64"):
        with pytest.raises(UsageError, match="--platform"):
            get(store, shelf.full(), bad)


def test_an_image_for_another_machine_is_refused(store: Store, serve: Serve) -> None:
    shelf = serve()
    shelf.image(shelf.layer(ROOTFS), config=config_of(ROOTFS, architecture="mips"))
    with pytest.raises(Blocked, match="is for linux/mips"):
        get(store, shelf.full())
    assert get(store, shelf.full(), "linux/mips").fresh == 1


def test_by_digest(store: Store, serve: Serve) -> None:
    shelf = serve()
    manifest = shelf.good()
    full = shelf.full().removesuffix(":latest") + "@" + digest(manifest)
    get(store, full)
    assert store.resolve(full).id == store.resolve(f"{shelf.full()}@{digest(manifest)}").id
    assert whole(store)
    with pytest.raises(NotFound):
        get(store, full[:-1] + ("0" if full[-1] != "0" else "1"))
    changes.remove(store, [full])
    assert nothing_stays(store)


# What is refused: nothing of it stays


def refused(store: Store, full: str, words: str, error: type = UsageError) -> MinidockerError:
    with pytest.raises(error, match=words) as caught:
        get(store, full)
    assert nothing_stays(store)
    assert caught.value.remedy
    assert "\n" not in caught.value.message
    return caught.value


@pytest.mark.parametrize("fault", ["tampered", "wrong-size"])
def test_wrong_bytes(store: Store, serve: Serve, fault: str) -> None:
    shelf = serve(fault)
    shelf.good()
    refused(store, shelf.full(), "by its digest; nothing of it was used", Blocked)


def test_a_wrong_layer(store: Store, serve: Serve) -> None:
    shelf = serve()
    layer = shelf.layer(SECOND)
    data = gzip.compress(ROOTFS)
    shelf.blob(data, claimed=layer["digest"][7:])
    shelf.image(layer, config=config_of(SECOND))
    refused(store, shelf.full(), "by its digest", Blocked)


@pytest.mark.parametrize("fault", ["moved-tag", "html", "endless"])
def test_lying_manifests(store: Store, serve: Serve, fault: str) -> None:
    shelf = serve(fault)
    shelf.good()
    words = {"moved-tag": "by its digest", "html": "a web page", "endless": "more than 4 MiB"}
    refused(store, shelf.full(), words[fault], MinidockerError)


@pytest.mark.parametrize(
    ("first", "again"),
    [(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), (b"HTTP/1.1 200 OK\r\n\r\n", b" ")],
)
def test_an_answer_without_an_end_is_cut_off(
    monkeypatch: pytest.MonkeyPatch, first: bytes, again: bytes
) -> None:
    monkeypatch.setattr(transport, "DEADLINE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def talk() -> None:
            connection, _ = server.accept()
            with connection, contextlib.suppress(OSError):
                connection.sendall(first)
                while True:  # each byte comes in time
                    connection.sendall(again)

        talker = threading.Thread(target=talk)
        talker.start()
        asked = transport.Transport()
        with pytest.raises(Blocked, match=r"has not ended|broke off"):
            asked.send("GET", f"http://127.0.0.1:{server.getsockname()[1]}/", {}).read(1 << 40)
        asked.close()
        talker.join()


BIG = {"schemaVersion": 2, "x": "y" * (5 << 20)}
SELF = {"digest": "sha256:" + "1" * 64, "size": 5, "mediaType": oci.INDEX_TYPE}


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (BIG, "more than 4 MiB"),
        ([], "no JSON object"),
        ("[" * 100_000, "no JSON"),
        ("\xff", "no JSON"),
        ({"schemaVersion": 1, "fsLayers": []}, "schema 1"),
        ({"schemaVersion": 2, "mediaType": documents.SCHEMA_1 + "prettyjws"}, "schema 1"),
        ({"schemaVersion": 2, "manifests": [], "layers": []}, "both an index and a manifest"),
        ({"schemaVersion": 2, "mediaType": oci.INDEX_TYPE, "layers": []}, "it is no"),
        ({"layers": []}, "no schemaVersion 2"),
        ({"schemaVersion": 2}, "a descriptor is no JSON object"),
        ({"schemaVersion": 2, "config": {"digest": "../../x", "size": 1}}, "no sha256 digest"),
        ({"schemaVersion": 2, "manifests": [1]}, "a descriptor is no JSON object"),
        ({"schemaVersion": 2, "manifests": [{**SELF, "platform": 1}]}, "a platform is no"),
        ({"schemaVersion": 2, "manifests": [{**SELF, "digest": "sha256:../x"}]}, "no sha256"),
        ({"schemaVersion": 2, "manifests": [{**SELF, "size": -1}]}, "is no size"),
        ({"schemaVersion": 2, "manifests": [{**SELF, "size": True}]}, "is no size"),
    ],
    ids=str,
)
def test_hostile_documents(store: Store, serve: Serve, document: Any, words: str) -> None:
    shelf = serve()
    data = document.encode("latin-1") if isinstance(document, str) else as_json(document)
    shelf.document(data, "latest", "application/json")
    refused(store, shelf.full(), words)


LAYER = oci.descriptor(oci.layer_type("gzip"), "1" * 64, 5)


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        ([], "has no layers"),
        ([LAYER] * 128, "128 layers"),
        ([LAYER] * 5000, "5000 layers"),
        ([{**LAYER, "digest": "sha256:../../../etc/passwd"}], "no sha256 digest"),
        ([{**LAYER, "digest": "sha512:" + "1" * 128}], "no sha256 digest"),
        ([{**LAYER, "size": "5"}], "is no size"),
        ([{**LAYER, "mediaType": "text/html"}], "a layer of the unknown type"),
        ([{**LAYER, "mediaType": 5}], "wrong type"),
        ([None], "no JSON object"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_hostile_layers(store: Store, serve: Serve, layers: list, words: str) -> None:
    shelf = serve()
    shelf.image(*layers, config=config_of(*[ROOTFS] * len(layers)))
    refused(store, shelf.full(), words)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (b"<html>", "a web page"),
        (b"[]", "no JSON object"),
        ({"rootfs": 1}, "no rootfs.diff_ids"),
        ({"rootfs": {"diff_ids": ["x"]}}, "no sha256 digest"),
        ({"rootfs": {"diff_ids": []}}, "0 diff ids for 1 layers"),
        (config_of(ROOTFS, SECOND), "2 diff ids for 1 layers"),
        (config_of(SECOND), "not the layer that its configuration names"),
        (config_of(ROOTFS, config={"Cmd": "sh"}), "Cmd of its configuration is no list"),
        (config_of(ROOTFS, config={"Env": ["A=\0layer=x"]}), "holds a NUL"),
        (config_of(ROOTFS, config={"User": ["x"]}), "no text"),
        (config_of(ROOTFS, config={"StopSignal": 5}), "no text"),
        (config_of(ROOTFS, config=[]) | {"config": [1]}, "wrong type"),
        (config_of(ROOTFS, history={"a": 1}), "wrong type"),
        (config_of(ROOTFS, history=[1]), "wrong type"),
        (config_of(ROOTFS, config={"Env": ["A"]}), "'A' of its configuration is no variable"),
        (config_of(ROOTFS, config={"Env": ["=A"]}), "is no variable"),
        (config_of(ROOTFS, config={"StopSignal": 9}), "is no text"),
        (config_of(ROOTFS, config={"Shell": ["/bin/sh\0"]}), "holds a NUL"),
        (config_of(ROOTFS, config={"OnBuild": [1]}), "is no text"),
        (config_of(ROOTFS, config={"Labels": "x"}), "Labels of its configuration is no table"),
        (config_of(ROOTFS, config={"Volumes": ["/:/host"]}), "Volumes of its configuration is no table"),
        (config_of(ROOTFS, config={"Labels": {"a": "\ud800"}}), "no JSON in UTF-8"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_hostile_configurations(store: Store, serve: Serve, config: Any, words: str) -> None:
    shelf = serve()
    shelf.image(shelf.layer(ROOTFS), config=config)
    refused(store, shelf.full(), words)


def test_a_stranger_does_not_steer_the_terminal(store: Store, serve: Serve) -> None:
    shelf = serve()
    escape = "\x1b[2Jx\r"
    config = config_of(ROOTFS, created=escape, history=[{"created_by": escape}, {"comment": escape}])
    shelf.image(shelf.layer(ROOTFS), config=config)
    get(store, shelf.full())
    told = [*catalogue.entries(store)[0], *map(str, catalogue.history(store, shelf.full()))]
    assert "\x1b" not in repr(told).replace("\\x1b", "\x1b")
    bad = {**config, "os": escape, "architecture": escape}
    shelf.image(shelf.layer(ROOTFS), config=bad, tag="bad")
    with pytest.raises(Blocked) as caught:
        get(store, shelf.full("bad"))
    assert (caught.value.message + caught.value.remedy).isprintable()
    shelf.document(index(entry(LAYER | {"mediaType": oci.MANIFEST_TYPE}, escape, escape)), "many")
    with pytest.raises((NotFound, UsageError)) as caught:
        get(store, shelf.full("many"))
    assert (caught.value.message + caught.value.remedy).isprintable()


def test_an_artifact_is_no_image(store: Store, serve: Serve) -> None:
    shelf = serve()
    own = {**shelf.blob(b"{}"), "mediaType": "application/vnd.cncf.helm.config.v1+json"}
    shelf.document(as_json(oci.manifest(own, [])), "latest")
    refused(store, shelf.full(), "no container image, but 'application/vnd.cncf.helm")


def test_an_index_of_indexes_without_an_end(store: Store, serve: Serve) -> None:
    shelf = serve()
    data = index()
    for _ in range(8):
        inner = shelf.document(data, "inner", oci.INDEX_TYPE)
        data = index(inner)
    shelf.document(data, "latest", oci.INDEX_TYPE)
    refused(store, shelf.full(), "without an end", Blocked)


def test_a_size_that_lies(store: Store, serve: Serve) -> None:
    shelf = serve()
    layer = shelf.layer(ROOTFS)
    shelf.image({**layer, "size": layer["size"] - 1}, config=config_of(ROOTFS))
    refused(store, shelf.full(), "by its digest", Blocked)
    shelf.image({**layer, "size": layer["size"] + 1}, config=config_of(ROOTFS))
    refused(store, shelf.full(), "by its digest", Blocked)


def test_a_size_that_lies_of_a_blob_that_is_here(store: Store, serve: Serve) -> None:
    shelf = serve()
    shelf.good()
    get(store, shelf.full())
    layer = shelf.layer(ROOTFS)
    shelf.image({**layer, "size": 5}, config=config_of(ROOTFS), tag="bad")
    with pytest.raises(Blocked, match="by its digest"):
        get(store, shelf.full("bad"))
    assert whole(store)


def test_a_known_layer_under_another_blob(store: Store, serve: Serve) -> None:
    """The store has that layer; a hostile image says that other bytes are it, for a later push."""
    shelf = serve()
    shelf.good()
    get(store, shelf.full())
    shelf.image(shelf.layer(SECOND, "", b"evil" * 200), config=config_of(SECOND), tag="bad")
    with pytest.raises(UsageError, match="not the layer"):
        get(store, shelf.full("bad"))
    shelf.image(shelf.layer(SECOND), config=config_of(ROOTFS), tag="bad")
    with pytest.raises(UsageError, match="not the layer"):
        get(store, shelf.full("bad"))
    assert whole(store)
    shelf.image(shelf.layer(SECOND, ""), config=config_of(SECOND), tag="good")
    assert get(store, shelf.full("good")).fresh == 0
    assert whole(store)


@pytest.mark.parametrize(
    "members",
    [[member("../x")], [member("/x")], [link("a", "/etc"), member("a/x")],
     [hard("x", "/etc/passwd")], [member("x", type=tarfile.BLKTYPE, devmajor=8)],
     [member("a/.wh.")], [member(".wh.x/y")]],
    ids=lambda members: members[-1][0].name,
)  # fmt: skip
def test_hostile_members(store: Store, serve: Serve, members: list) -> None:
    shelf = serve()
    tar = archive(members)
    shelf.image(shelf.layer(ROOTFS), shelf.layer(tar), config=config_of(ROOTFS, tar))
    refused(store, shelf.full(), "is refused")


@pytest.mark.parametrize("packer", [bz2.compress, lambda data: b"PK\x03\x04" + data])
def test_unknown_packings(store: Store, serve: Serve, packer: Callable) -> None:
    shelf = serve()
    shelf.image(shelf.layer(ROOTFS, "+gzip", packer(ROOTFS)), config=config_of(ROOTFS))
    refused(store, shelf.full(), "no registry knows|zip archive")


def zeros(size: int) -> tuple[bytes, str]:
    """An archive of one large file of zeros, gzip'd; and the digest of its plain bytes."""
    import hashlib

    info = tarfile.TarInfo("zeros")
    info.size = size
    out, total = io.BytesIO(), hashlib.sha256()
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=9) as packed:
        for piece in [info.tobuf(), *[bytes(1 << 20)] * (size >> 20), bytes(1024)]:
            packed.write(piece)
            total.update(piece)
    return out.getvalue(), total.hexdigest()


@pytest.mark.parametrize("where", ["a member", "behind the end"])
def test_a_bomb(
    store: Store, serve: Serve, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    monkeypatch.setattr(arrival, "GRACE", 1 << 20)
    shelf = serve()
    packed, hex = zeros(64 << 20)
    if where == "behind the end":
        packed, hex = gzip.compress(ROOTFS + bytes(64 << 20)), "1" * 64
    config = config_of(ROOTFS)
    config["rootfs"]["diff_ids"] = ["sha256:" + hex]
    shelf.image(shelf.layer(b"", "+gzip", packed), config=config)
    refused(store, shelf.full(), "more than 100 times its size: a bomb")


def test_the_disk_is_looked_at_first(
    store: Store, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = serve()
    layer = shelf.layer(ROOTFS)
    shelf.image({**layer, "size": 1 << 48}, config=config_of(ROOTFS))
    with pytest.raises(Blocked, match=r"needs 563 TB, and 67.1 MB stay free for others: .* has "):
        get(store, shelf.full())
    assert not [line for line in shelf.registry.lines if layer["digest"] in line]
    assert nothing_stays(store)


# Faults of the way


@pytest.mark.parametrize("fault", ["cut", "cut=4", "429", "500", "slow", "redirect", "no-range"])
def test_faults_that_pass(store: Store, serve: Serve, fault: str) -> None:
    shelf = serve(fault)
    shelf.good()
    assert get(store, shelf.full()).fresh == 2
    assert whole(store)


def test_a_cut_is_resumed_where_it_was(store: Store, serve: Serve) -> None:
    shelf = serve("cut")
    noise = archive([member("noise", os.urandom(1 << 20))])
    shelf.image(shelf.layer(noise, ""), config=config_of(noise))
    got = []
    real = Client.blob

    def blob(self: Client, hex: str, offset: int) -> Any:
        got.append(offset)
        return real(self, hex, offset)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Client, "blob", blob)
        get(store, shelf.full())
    assert got[0] == 0
    assert got[1] > 400_000


def test_what_came_before_a_failure_is_kept(store: Store, serve: Serve) -> None:
    shelf = serve("cut=99")
    noise = archive([member("noise", os.urandom(100_000))])
    shelf.image(shelf.layer(noise, ""), config=config_of(noise))
    with pytest.raises(Blocked, match="cannot be reached, or broke off"):
        get(store, shelf.full())
    assert nothing_stays(store, incoming=True)
    [name] = os.listdir(store.path("incoming"))
    assert os.stat(store.path("incoming", name)).st_size > 60_000
    again = serve()
    get(store, again.full())
    assert whole(store)


def test_a_bad_rest_is_thrown_away_and_fetched_anew(store: Store, serve: Serve) -> None:
    shelf = serve()
    shelf.good()
    os.makedirs(store.path("incoming"))
    for name in os.listdir(f"{shelf.registry.shelf.directory}/blobs/sha256"):
        Path(store.path("incoming", name)).write_bytes(b"rubbish")
    get(store, shelf.full())
    assert whole(store)


def test_prune_removes_what_nobody_goes_on_with(store: Store, serve: Serve) -> None:
    shelf = serve()
    shelf.good()
    get(store, shelf.full())
    Path(store.path("incoming/" + "1" * 64)).write_bytes(b"rest")
    [removed] = changes.prune(store)
    assert str(removed) == "removed unfinished download sha256:111111111111 (4 B)"
    assert whole(store)


def test_too_many_requests_are_told_with_the_time(
    store: Store, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = serve("429=99")
    shelf.good()
    monkeypatch.setattr(client_module, "TRIES", 2)
    with pytest.raises(Blocked, match="status 429: come again"):
        get(store, shelf.full())
    monkeypatch.setattr(client_module, "LONGEST_PAUSE", 0.5)
    with pytest.raises(Blocked, match="takes no more requests for 1 seconds: come again") as caught:
        get(store, shelf.full())
    assert caught.value.remedy.startswith("try it again after ")
    told: list[str] = []
    monkeypatch.setattr(client_module, "LONGEST_PAUSE", 5)
    host, path, _ = names.split(serve("429=1").full())
    with Client(host, path, say=told.append) as client:
        client.manifest("latest")
    assert told[0].startswith(f"{host}: too many requests; trying again in 1 s")


def test_nobody_answers(store: Store) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        full = f"127.0.0.1:{taken.getsockname()[1]}/x:1"
    refused(store, full, "cannot be reached", Blocked)
    refused(store, "nothing.invalid/x:1", "the host of https://nothing.invalid is not known", Blocked)


def test_rubbish_instead_of_http(store: Store) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        def talk() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(1000)
                    connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n" * 3)

        threading.Thread(target=talk, daemon=True).start()
        full = f"127.0.0.1:{server.getsockname()[1]}/x:1"
        refused(store, full, "127.0.0.1", Blocked)
        server.shutdown(socket.SHUT_RDWR)


# Tokens and secrets


def test_the_token_dance(store: Store, serve: Serve) -> None:
    shelf = serve(guard=Guard("me:secret"))
    shelf.good()
    assert get(store, shelf.full(), login=Login("me", "secret")).fresh == 2
    assert len([line for line in shelf.registry.lines if "/token" in line]) == 1
    changes.remove(store, [shelf.full()])
    error = refused(store, shelf.full(), "wants a login: wrong name or password", Blocked)
    assert error.remedy == f"minidocker login {shelf.registry.address}"
    with pytest.raises(Blocked, match="does not take the login of me") as caught:
        get(store, shelf.full(), login=Login("me", "hunter2"))
    assert "hunter2" not in str(caught.value)


def test_anonymous_and_basic(store: Store, serve: Serve) -> None:
    shelf = serve(guard=Guard("me:secret", anonymous=True))
    shelf.good()
    assert get(store, shelf.full()).fresh == 2
    shelf = serve(guard=Guard("me:secret", basic=True))
    assert get(store, shelf.full(), login=Login("me", "secret"))
    with pytest.raises(Blocked, match="does not let me do this"):
        get(store, shelf.full(), login=Login("me", "wrong"))
    with pytest.raises(Blocked, match="does not let you do this"):
        get(store, shelf.full())


def test_a_token_runs_out_in_the_middle(store: Store, serve: Serve) -> None:
    shelf = serve("expired=1", guard=Guard("me:secret"))
    shelf.good()
    assert get(store, shelf.full(), login=Login("me", "secret")).fresh == 2


def test_a_token_for_another_scope(store: Store, serve: Serve) -> None:
    shelf = serve("scope", guard=Guard("me:secret"))
    shelf.good()
    with pytest.raises(Blocked, match="does not let me do this to lab/one"):
        get(store, shelf.full(), login=Login("me", "secret"))
    assert len(shelf.registry.lines) < 12


@pytest.mark.parametrize("basic", [True, False])
def test_no_secret_goes_along_a_redirect(store: Store, serve: Serve, basic: bool) -> None:
    shelf = serve("redirect", guard=Guard("me:secret", basic=basic))
    shelf.good()
    assert get(store, shelf.full(), login=Login("me", "secret")).fresh == 2
    elsewhere = [line for line in shelf.registry.lines if line.startswith("elsewhere")]
    assert len(elsewhere) == 3
    assert not any("Authorization" in line for line in elsewhere)


@pytest.mark.parametrize(
    ("realm", "words"),
    [("http://example.org/token", "for a token to 'http://example.org/token', which is not https"),
     ("file:///etc/passwd", "not https"), ("", "not https"), ("ftp://127.0.0.1/", "not https")],
)  # fmt: skip
def test_a_realm_that_is_not_safe(
    store: Store, serve: Serve, monkeypatch: pytest.MonkeyPatch, realm: str, words: str
) -> None:
    from minidocker.images.registry import server

    def allow(self: Any, name: str, right: str) -> None:
        how = f'Bearer realm="{realm}",service="x"'
        raise server.Refused(401, "UNAUTHORIZED", "log in", **{"WWW-Authenticate": how})

    shelf = serve()
    monkeypatch.setattr(server.Handler, "allow", allow)
    with pytest.raises(Blocked, match=words):
        get(store, shelf.full(), login=Login("me", "secret"))


@pytest.mark.parametrize(
    "place",
    ["http://example.org/x", "file:///etc/passwd", "http://a:b@127.0.0.1/", "//", "http://[", "x://y"],
)
def test_a_redirect_to_where_nobody_should_go(
    store: Store, serve: Serve, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    from minidocker.images.registry import server

    def blob(self: Any, name: str, digest: str) -> None:
        self.send(307, headers={"Location": place})

    shelf = serve()
    shelf.good()
    monkeypatch.setattr(server.Handler, "get_blob", blob)
    refused(store, shelf.full(), "redirects to|an address that is none|no port|without an end", Blocked)


def test_challenges_are_read() -> None:
    found = challenges(['Basic realm="x, y", Bearer realm="https://a/t",service=s , scope="a:b:c,d"'])
    assert found == {
        "basic": {"realm": "x, y"},
        "bearer": {"realm": "https://a/t", "service": "s", "scope": "a:b:c,d"},
    }
    assert challenges(["Negotiate", ""]) == {}


def test_https_alone_where_it_is_not_loopback(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that is not loopback by its words is asked over TLS, whatever it resolves to."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        heard: list[bytes] = []

        def listen() -> None:
            connection, _ = server.accept()
            with connection:
                heard.append(connection.recv(10))
            server.shutdown(socket.SHUT_RDWR)

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        real = socket.getaddrinfo
        monkeypatch.setattr(
            socket, "getaddrinfo", lambda host, *rest, **more: real("127.0.0.1", *rest, **more)
        )
        refused(store, f"registry.example:{port}/x:1", "registry.example", Blocked)
        thread.join(5)
    assert heard[0][:1] == b"\x16"  # a TLS handshake


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    folder = tmp_path_factory.mktemp("tls")
    cert, key = str(folder / "cert.pem"), str(folder / "key.pem")
    if not shutil.which("openssl"):
        pytest.skip("blocked: no openssl (apt-get install openssl)")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert,
         "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    return cert, key


def test_tls(
    store: Store, serve: Serve, certificate: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    shelf = serve("redirect", tls=context, guard=Guard("me:secret"))
    shelf.good()
    refused(store, shelf.full(), "cannot be trusted: self-signed certificate|self signed", Blocked)
    monkeypatch.setenv("SSL_CERT_FILE", certificate[0])
    # the blobs are redirected to plain http: even on loopback that is a way down
    with pytest.raises(Blocked, match=r"redirects to http://127\.0\.0\.2"):
        get(store, shelf.full(), login=Login("me", "secret"))
    shelf = serve(tls=context, guard=Guard("me:secret"))
    assert get(store, shelf.full(), login=Login("me", "secret")).fresh == 2
    changes.remove(store, [shelf.full()])
    monkeypatch.delenv("SSL_CERT_FILE")
    assert get(store, shelf.full(), login=Login("me", "secret"), insecure=True).fresh == 2


def test_a_proxy_is_asked(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def listen() -> None:
            for _ in range(5):
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    heard.append(connection.recv(4000))
                    connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

        threading.Thread(target=listen, daemon=True).start()
        port = server.getsockname()[1]
        monkeypatch.setenv("https_proxy", f"http://us%40er:pw@127.0.0.1:{port}")
        error = refused(store, "registry.example/x:1", "registry.example", Blocked)
        server.shutdown(socket.SHUT_RDWR)
    assert heard[0].startswith(b"CONNECT registry.example:443 ")
    assert b"Proxy-Authorization: Basic dXNAZXI6cHc=" in heard[0]
    assert b"pw" not in error.message.encode()
    assert "the proxy does not lead to https://registry.example: 403 Forbidden" in error.message
    monkeypatch.setenv("https_proxy", "socks5://127.0.0.1:1")
    refused(store, "registry.example/x:1", "none that speaks HTTP", Blocked)


def test_a_proxy_for_plain_http_alone_is_asked(
    store: Store, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = serve()
    shelf.good()
    seen: list[str] = []

    def known(host: str, *more: Any, **words: Any) -> Any:
        seen.append(host)
        if host != "127.0.0.1":
            raise socket.gaierror(-2, "Name or service not known")
        return real(host, *more, **words)

    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", known)
    for name in ("https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", f"http://{shelf.registry.address}")
    with Client("registry.example", "lab/one", insecure=True) as client:
        answer = client.ask("GET", "manifests/latest")  # our registry reads whole addresses, too
        assert answer.status == 200
    assert seen == ["registry.example", "127.0.0.1"]
    with Client("registry.example", "lab/one") as client, pytest.raises(Blocked, match="not known"):
        client.ask("GET", "manifests/latest")


@pytest.mark.parametrize(
    ("said", "direct"),
    [("10.0.0.0/8", True), ("10.1.2.3", True), ("10.1.2.3:80", False), ("11.0.0.0/8", False),
     ("x, 10.1.0.0/16", True), ("*", True), ("10.1.2.0/33", False), ("", False)],
)  # fmt: skip
def test_no_proxy_may_name_a_network(monkeypatch: pytest.MonkeyPatch, said: str, direct: bool) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", said)
    assert (transport._proxy(urlsplit("https://10.1.2.3:5000/v2/")) is None) == direct


@pytest.mark.parametrize(
    ("said", "direct"),
    [("example.com", True), (".example.com", True), ("*.example.com", True), ("*.Example.com", True),
     ("ample.com", False), ("r.example.com:5000", True), ("*.r.example.com", False)],
)  # fmt: skip
def test_no_proxy_may_name_a_domain(monkeypatch: pytest.MonkeyPatch, said: str, direct: bool) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", said)
    assert (transport._proxy(urlsplit("https://r.example.com:5000/v2/")) is None) == direct


# Many at once


def test_two_pulls_of_one_image(store: Store, serve: Serve) -> None:
    shelf = serve("slow")
    noise = archive([member("noise", os.urandom(60_000))])
    shelf.image(shelf.layer(ROOTFS), shelf.layer(noise, ""), config=config_of(ROOTFS, noise))
    failed: list[Exception] = []

    def one() -> None:
        try:
            get(Store(store.root), shelf.full())
        except Exception as problem:
            failed.append(problem)

    threads = [threading.Thread(target=one) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert whole(store)
    path = f"/v2/lab/one/blobs/{digest(noise)}"
    assert len([line for line in shelf.registry.lines if path in line]) == 1


def test_pull_against_prune_and_rm(store: Store, serve: Serve) -> None:
    shelf = serve()
    shelf.good()
    shelf.image(shelf.layer(ROOTFS), config=config_of(ROOTFS), tag="small")
    get(store, shelf.full())
    over = threading.Event()

    def clear() -> None:
        other = Store(store.root)
        while not over.is_set():
            changes.prune(other)
            for name in list(catalogue.names(other)):
                try:
                    changes.remove(other, [name])
                except NotFound:
                    pass

    thread = threading.Thread(target=clear)
    thread.start()
    try:
        until = time.monotonic() + 3
        while time.monotonic() < until:
            for tag in ("latest", "small"):
                try:
                    get(store, shelf.full(tag))
                except NotFound:  # it was removed between the rename and our look at it
                    pass
    finally:
        over.set()
        thread.join()
    assert whole(store)
    get(store, shelf.full())
    assert whole(store)


def test_what_one_failure_stops(store: Store, serve: Serve) -> None:
    shelf = serve("slow")
    noise = archive([member("noise", os.urandom(900_000))])
    bad = shelf.layer(b"", "", b"not a tar" * 100)
    config = config_of(noise, b"not a tar" * 100)
    shelf.image(shelf.layer(noise, ""), bad, config=config)
    began = time.monotonic()
    with pytest.raises(UsageError, match="not a tar archive"):
        get(store, shelf.full())
    assert time.monotonic() - began < 6  # the other layer alone takes 9 seconds
    assert nothing_stays(store)


# The command


def test_the_command(serve: Serve, minidocker: Callable) -> None:
    shelf = serve()
    shelf.good()
    done = minidocker("pull", shelf.full())
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("sha256:")
    assert f"{shelf.full()}: 2 layers, 300 kB in" in done.stderr
    done = minidocker("pull", "-q", shelf.full())
    assert done.stderr == ""
    done = minidocker("pull", shelf.full("none"))
    assert done.returncode == 1
    assert done.stderr == (
        f"minidocker: {shelf.registry.address} has no lab/one, none\n"
        "  try: look at the name and tag\n"
    )
    assert minidocker("image", "check").returncode == 0
    minidocker("image", "rm", shelf.full())


def test_import_and_pull_share_a_layer(store: Store, serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_bytes(ROOTFS)
    importer.import_tar(store, "mine", str(tmp_path / "x.tar"))
    shelf = serve()
    shelf.image(shelf.layer(ROOTFS), config=config_of(ROOTFS))
    assert get(store, shelf.full()).fresh == 0
    assert json.loads(Path(store.root, "index.json").read_text())["manifests"]
    assert whole(store)


# What a registry may do, and few do


@pytest.mark.parametrize("how", ["parts", "no length"])
def test_an_answer_may_be_less_than_was_asked_for(
    store: Store, serve: Serve, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    from minidocker.images.registry import server

    cut: set[str] = set()

    def blob(self: Any, name: str, digest: str) -> None:
        data = Path(self.shelf.blob(name, digest)).read_bytes()
        at = int(self.headers.get("Range", "bytes=0-")[6:-1])
        part = data[at : at + max(len(data) // 3, 1000)]
        if how == "parts" and at:
            more = {"Content-Range": f"bytes {at}-{at + len(part) - 1}/{len(data)}"}
            self.send(206, part, headers=more)
            return
        self.send_response(200)
        if how == "parts":
            self.send_header("Content-Length", str(len(data)))
        self.close_connection = True
        self.end_headers()
        self.wfile.write(data if digest in cut else part)
        cut.add(digest)

    shelf = serve()
    shelf.good()
    monkeypatch.setattr(server.Handler, "get_blob", blob)
    assert get(store, shelf.full()).fresh == 2
    assert whole(store)


@pytest.mark.parametrize("honest", [True, False])
def test_a_digest_of_another_kind(
    store: Store, serve: Serve, monkeypatch: pytest.MonkeyPatch, honest: bool
) -> None:
    manifest = (shelf := serve()).good()
    hex = hashlib.sha512(manifest if honest else b"").hexdigest()
    real = client_module.Client.ask

    def ask(self: Client, method: str, path: str, *words: Any, **more: Any) -> Any:
        answer = real(self, method, path, *words, **more)
        if path.startswith("manifests/"):
            answer.headers.replace_header("Docker-Content-Digest", f"sha512:{hex}")
        return answer

    monkeypatch.setattr(client_module.Client, "ask", ask)
    if honest:
        assert get(store, shelf.full()).fresh == 2
    else:
        refused(store, shelf.full(), "what came is not sha512", Blocked)


def test_the_realm_may_ask_us_to_wait(
    store: Store, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = serve(guard=Guard("me:secret", anonymous=True))
    shelf.good()
    realms: list[str] = []
    real = transport.Transport.send

    class Busy:
        status = 429
        headers: dict[str, str]
        url = "http://127.0.0.1/token"

        def finish(self) -> None: ...

        def read(self, most: int) -> bytes:
            return b"{}"

    def send(self: Any, method: str, url: str, *words: Any, **more: Any) -> Any:
        if "/token" in url:
            realms.append(url)
            if len(realms) == 1:
                return Busy()
        return real(self, method, url, *words, **more)

    waited: list[float] = []
    monkeypatch.setattr(transport.Transport, "send", send)
    monkeypatch.setattr(client_module.Client, "_pause", lambda self, seconds, why: waited.append(seconds))
    Busy.headers = {"Retry-After": "3600"}
    refused(store, shelf.full(), "takes no more requests for 3600 seconds", Blocked)
    assert len(realms) == 1
    realms.clear()
    Busy.headers = {"Retry-After": "7"}
    assert get(store, shelf.full()).fresh == 2
    assert waited == [7.0]


def test_one_host_is_written_in_several_ways() -> None:
    same = ["https://h.example", "https://H.example:443", "https://u:p@h.example:443/x"]
    assert {transport.origin(url) for url in same} == {"https://h.example"}
    assert transport.origin("http://h.example:443/") == "http://h.example:443"
    assert transport.origin("http://[::1]:80/") == "http://[::1]"
