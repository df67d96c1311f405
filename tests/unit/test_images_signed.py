"""Signatures: what is accepted, and what is refused before one byte of an image has come."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from images_shelf import Shelved, as_json, digest, get, serving, sha

from minidocker.errors import Blocked, UsageError
from minidocker.images import signed
from minidocker.images.registry.client import Client
from minidocker.images.registry.credentials import Login
from minidocker.images.registry.tokens import Guard
from minidocker.images.store import catalogue, names, oci
from minidocker.images.store.store import Store

Serve = Callable[..., Shelved]
pytestmark = pytest.mark.skipif(
    not shutil.which("openssl"), reason="blocked: no openssl (apt-get install openssl)"
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "store"))


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    yield from serving(tmp_path / "reg")


def pair(folder: Path, *how: str) -> tuple[str, str]:
    """A private and a public key."""
    folder.mkdir()
    private, public = str(folder / "key"), str(folder / "key.pub")
    words = how or ("ecparam", "-name", "prime256v1", "-genkey", "-noout")
    subprocess.run(["openssl", *words, "-out", private], check=True, capture_output=True)
    subprocess.run(["openssl", "pkey", "-in", private, "-pubout", "-out", public], check=True)
    return private, public


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    return pair(tmp_path_factory.mktemp("keys") / "ours")


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    return pair(tmp_path_factory.mktemp("keys") / "theirs")


def sign(full: str, data: bytes, key: str, **more: Any) -> None:
    host, path, _ = names.split(full)
    with Client(host, path, actions="pull,push", **more) as client:
        signed.sign(client, full, sha(data), key)


def refused(store: Store, full: str, key: str, words: str) -> None:
    with pytest.raises(Blocked, match=words):
        get_signed(store, full, key)
    assert catalogue.tags(store) == {}


def get_signed(store: Store, full: str, key: str, **more: Any) -> Any:
    from minidocker.images.pull import pull

    host, path, _ = names.split(full)
    with Client(host, path, **more) as client:
        return pull(store, full, client, key=key)


@pytest.mark.parametrize("kind", ["elliptic", "rsa"])
def test_what_is_signed_comes(store: Store, serve: Serve, tmp_path: Path, kind: str) -> None:
    rsa = ("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")
    private, public = pair(tmp_path / "keys", *(rsa if kind == "rsa" else ()))
    shelf = serve()
    manifest = shelf.good()
    refused(store, shelf.full(), public, "has no signature by the key")
    sign(shelf.full(), manifest, private)
    assert get_signed(store, shelf.full(), public).digest == digest(manifest)


def test_nothing_comes_before_a_signature_was_right(
    store: Store, serve: Serve, ours: tuple[str, str], theirs: tuple[str, str]
) -> None:
    shelf = serve()
    sign(shelf.full(), shelf.good(), theirs[0])
    del shelf.registry.lines[:]
    refused(store, shelf.full(), ours[1], "1 signature, and none by the key")
    blobs = [line for line in shelf.registry.lines if "/blobs/" in line]
    assert len(blobs) == 1  # the payload
    assert get(store, shelf.full()).fresh == 2  # who asks for no signature gets the image


def test_one_of_several_is_enough(
    store: Store, serve: Serve, ours: tuple[str, str], theirs: tuple[str, str]
) -> None:
    shelf = serve(guard=Guard("me:secret"))
    manifest, login = shelf.good(), Login("me", "secret")
    for key in (theirs[0], ours[0], theirs[0]):
        sign(shelf.full(), manifest, key, login=login)
    for key in (ours[1], theirs[1]):
        assert get_signed(store, shelf.full(), key, login=login).digest == digest(manifest)


def test_another_valid_image_under_the_tag_is_refused(
    store: Store, serve: Serve, ours: tuple[str, str]
) -> None:
    """The attack of lesson 13: all its digests are right. Its signatures are those of the first."""
    shelf = serve()
    first = shelf.good()
    sign(shelf.full(), first, ours[0])
    other = shelf.image(shelf.layer(b"\0" * 1024), config=_config(), tag="latest")
    refused(store, shelf.full(), ours[1], "no signature")
    data, _ = _signatures(shelf, first)
    shelf.document(data, signed.tag_of(sha(other)))
    refused(store, shelf.full(), ours[1], "and none by the key")


def _config() -> dict[str, Any]:
    return {**oci.here(), "rootfs": {"type": "layers", "diff_ids": [digest(b"\0" * 1024)]}}


def _signatures(shelf: Shelved, manifest: bytes) -> tuple[bytes, dict[str, Any]]:
    host, path, _ = names.split(shelf.full())
    with Client(host, path) as client:
        data, _ = client.manifest(signed.tag_of(sha(manifest)))
    return data, json.loads(data)


def test_a_signature_for_another_repository_does_not_count(
    store: Store, serve: Serve, ours: tuple[str, str]
) -> None:
    """Who holds the registry moves a signed image, and its signature, to another name."""
    shelf = serve()
    manifest = shelf.good()
    sign(shelf.full(), manifest, ours[0])
    data, document = _signatures(shelf, manifest)
    shelf.name = "lab/two"
    assert shelf.good() == manifest
    for one in (*document["layers"], document["config"]):
        shelf.registry.shelf._mark(shelf.name, one["digest"][7:])
    shelf.document(data, signed.tag_of(sha(manifest)))
    refused(store, shelf.full(), ours[1], "1 signature, and none by the key")


def test_an_index_is_what_is_signed(
    store: Store, serve: Serve, ours: tuple[str, str]
) -> None:  # fmt: skip
    shelf = serve()
    manifest = shelf.good("inner")
    entry = {**oci.descriptor(oci.MANIFEST_TYPE, sha(manifest), len(manifest)),
             "platform": oci.here()}  # fmt: skip
    index = as_json({"schemaVersion": 2, "mediaType": oci.INDEX_TYPE, "manifests": [entry]})
    shelf.document(index, "latest", oci.INDEX_TYPE)
    sign(shelf.full(), manifest, ours[0])
    refused(store, shelf.full(), ours[1], "no signature")
    sign(shelf.full(), index, ours[0])
    assert get_signed(store, shelf.full(), ours[1]).digest == digest(index)


@pytest.mark.parametrize(
    "layers",
    [None, [], {}, "x", [1], [{}], [{"digest": "sha256:../../etc", "size": 1}],
     [{"mediaType": signed.SIMPLE, "digest": digest(b"{}"), "size": 2, "annotations": {signed.KEPT: "?"}}],
     [{"mediaType": signed.SIMPLE, "digest": digest(b"{}"), "size": 1 << 40, "annotations": {signed.KEPT: ""}}],
     [{"mediaType": signed.SIMPLE, "digest": digest(b"{}"), "size": 2, "annotations": [1]}]],
)  # fmt: skip
def test_hostile_lists_of_signatures(
    store: Store, serve: Serve, ours: tuple[str, str], layers: Any
) -> None:
    shelf = serve()
    manifest = shelf.good()
    shelf.blob(b"{}")
    shelf.document(as_json({"schemaVersion": 2, "layers": layers}), signed.tag_of(sha(manifest)))
    with pytest.raises((Blocked, UsageError)):
        get_signed(store, shelf.full(), ours[1])
    assert catalogue.tags(store) == {}


def test_what_a_payload_says_counts(tmp_path: Path, ours: tuple[str, str]) -> None:
    """Everything that the key has signed is not a word about this image."""
    name, manifest = "localhost:5000/lab/one", b"{}"

    def trusted(payload: bytes) -> bool:
        signature = signed._openssl_signs(payload, ours[0])
        return signed.is_trusted(name, manifest, payload, signature, ours[1])

    right = signed.payload_for(name, sha(manifest))
    assert trusted(right)
    assert not trusted(signed.payload_for(name + "x", sha(manifest)))
    assert not trusted(signed.payload_for(name, sha(b"[]")))
    assert not trusted(right.replace(signed.TYPE.encode(), b"atomic container signature"))
    for text in (b"", b"{}", b"[]", b'{"critical": 1}', b"\xff", b"[" * 60_000):
        assert not trusted(text)


def test_keys_that_are_none(store: Store, tmp_path: Path, ours: tuple[str, str]) -> None:
    for path in (ours[0], "/etc/passwd", "/dev/null"):
        with pytest.raises(UsageError, match="is no public key"):
            signed.public_key(path)
    with pytest.raises(UsageError, match="cannot be read"):
        signed.public_key(str(tmp_path / "none"))
    with pytest.raises(UsageError, match="is no private key"):
        signed.private_key(ours[1])


def test_without_openssl(ours: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Blocked, match="need openssl") as caught:
        signed.public_key(ours[1])
    assert caught.value.remedy == "apt-get install openssl"


def test_the_form_is_cosigns(serve: Serve, ours: tuple[str, str]) -> None:
    """As its SIGNATURE_SPEC says; base64 of the payload's signature in an annotation."""
    shelf = serve()
    manifest = shelf.good()
    sign(shelf.full(), manifest, ours[0])
    _, document = _signatures(shelf, manifest)
    (layer,) = document["layers"]
    assert layer["mediaType"] == "application/vnd.dev.cosign.simplesigning.v1+json"
    assert base64.b64decode(layer["annotations"]["dev.cosignproject.cosign/signature"])[:1] == b"0"
    path = Path(shelf.registry.shelf.directory, "blobs/sha256", layer["digest"][7:])
    critical = json.loads(path.read_bytes())["critical"]
    assert critical["identity"] == {"docker-reference": shelf.full().removesuffix(":latest")}
    assert critical["image"] == {"docker-manifest-digest": digest(manifest)}
    assert signed.references("debian:12")[1] == "index.docker.io/library/debian"


@pytest.mark.parametrize(
    ("said", "counts"),
    [("", True), (":latest", True), ("@", True), (":old", False), ("x", False), ("@sha256:0", False)],
)
def test_a_claim_with_a_tag_or_the_digest(
    store: Store, serve: Serve, ours: tuple[str, str], monkeypatch: pytest.MonkeyPatch,
    said: str, counts: bool,
) -> None:  # fmt: skip
    """Newer versions of cosign write the tag into the name: another tag is another claim."""
    shelf = serve()
    manifest = shelf.good()
    end = f"@{digest(manifest)}" if said == "@" else said
    plain = signed.payload_for
    monkeypatch.setattr(signed, "payload_for", lambda name, hex: plain(name + end, hex))
    sign(shelf.full(), manifest, ours[0])
    if counts:
        assert get_signed(store, shelf.full(), ours[1]).fresh == 2
    else:
        refused(store, shelf.full(), ours[1], "and none by the key")


def test_the_words_of_the_command_line(
    serve: Serve, tmp_path: Path, ours: tuple[str, str], theirs: tuple[str, str]
) -> None:
    shelf = serve()
    shelf.good()
    full = shelf.full()

    def minidocker(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "minidocker", *words], capture_output=True, text=True,
            env={**os.environ, "MINIDOCKER_ROOT": str(tmp_path / "s")},
        )  # fmt: skip

    none = minidocker("pull", "--verify", ours[0], full)
    assert (none.returncode, "is no public key" in none.stderr) == (1, True)
    assert minidocker("pull", "-q", full).returncode == 0
    pushed = minidocker("push", "-q", "--sign", ours[0], full)
    assert pushed.returncode == 0, pushed.stderr
    assert minidocker("rmi", full).returncode == 0
    strange = minidocker("pull", "--verify", theirs[1], full)
    assert strange.returncode == 1 and strange.stdout == ""
    assert f"{full} has 1 signature, and none by the key {theirs[1]}" in strange.stderr
    verified = minidocker("pull", "--verify", ours[1], full)
    assert verified.returncode == 0 and f"signed by the key {ours[1]}\n" in verified.stderr
    assert minidocker("pull", "-q", "--verify", ours[1], full).stderr == ""
