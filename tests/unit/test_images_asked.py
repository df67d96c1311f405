"""Pulls that ask a learner's functions: whose ran, and what happens when an answer is wrong."""

from __future__ import annotations

import contextlib
import os
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from images_shelf import Shelved, as_json, digest, serving, sha, whole
from images_trees import archive, folder, member

from minidocker.errors import Blocked, MinidockerError, UsageError
from minidocker.images import signed
from minidocker.images.again import unpack_again
from minidocker.images.pull import pull
from minidocker.images.registry import client as client_module
from minidocker.images.registry.client import Client
from minidocker.images.registry.credentials import Login
from minidocker.images.registry.tokens import Guard
from minidocker.images.store import catalogue, names, oci
from minidocker.images.store.store import Store

Serve = Callable[..., Shelved]
ROOT = Path(__file__).resolve().parents[2]
NAMES = ("verify", "choose", "headers_for", "trusted")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "store"))


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    yield from serving(tmp_path / "reg")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "FIRST_PAUSE", 0.01)


@pytest.fixture
def heard() -> list[str]:
    return []


@pytest.fixture
def own(heard: list[str]) -> dict[str, Any]:
    """The solution's functions; each call is noted in `heard`."""
    solved = runpy.run_path(str(ROOT / "solutions/13_images.py"))

    def noted(name: str) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            heard.append(name)
            return solved[name](*args)

        return call

    return {name: noted(name) for name in NAMES}


def get(store: Store, shelf: Shelved, own: dict[str, Any], **more: Any) -> Any:
    full = shelf.full()
    host, path, _ = names.split(full)
    with Client(host, path, more.pop("login", None)) as client:
        return pull(store, full, client, own=own, **more)


def indexed(shelf: Shelved) -> bytes:
    data = shelf.good("one")
    entry = {**oci.descriptor(oci.MANIFEST_TYPE, sha(data), len(data)), "platform": oci.here()}
    index = {"schemaVersion": 2, "mediaType": oci.INDEX_TYPE, "manifests": [entry]}
    shelf.document(as_json(index), "latest", oci.INDEX_TYPE)
    return as_json(index)


def test_the_solution_brings_an_image(
    store: Store, serve: Serve, own: dict[str, Any], heard: list[str]
) -> None:
    shelf = serve("redirect", guard=Guard("me:secret"))
    index = indexed(shelf)
    assert get(store, shelf, own, login=Login("me", "secret")).digest == digest(index)
    assert [heard.count(name) for name in ("verify", "choose", "trusted")] == [2, 1, 0]
    assert heard.count("headers_for") > 5
    assert whole(store) and os.listdir(store.path("incoming")) == []
    away = [line for line in shelf.registry.lines if line.startswith("elsewhere")]
    assert away and not any("Authorization" in line for line in away)


def test_a_tampered_blob_is_refused_by_their_verify(
    store: Store, serve: Serve, own: dict[str, Any]
) -> None:
    shelf = serve("tampered")
    shelf.good()
    with pytest.raises(Exception, match="what came is not"):
        get(store, shelf, own)
    assert catalogue.tags(store) == {} and os.listdir(store.path("partial")) == []


def refused(store: Store, shelf: Shelved, own: dict[str, Any], words: str, **more: Any) -> None:
    with pytest.raises(MinidockerError, match=words):
        get(store, shelf, own, **more)
    assert catalogue.tags(store) == {} and os.listdir(store.path("partial")) == []


def leave(data: bytes | None, answer: str = "") -> Callable[..., str]:
    """A verify that leaves something else."""

    def verify(stream: Any, descriptor: Any, directory: str) -> str:
        path = os.path.join(directory, descriptor["digest"][7:])
        if data is not None:
            Path(path).write_bytes(data)
        return answer or path

    return verify


def linked(stream: Any, descriptor: Any, directory: str) -> str:
    path = os.path.join(directory, descriptor["digest"][7:])
    os.symlink("/etc/passwd", path)
    return path


@pytest.mark.parametrize(
    ("verify", "words"),
    [(leave(b"another"), "accepts what is not"), (leave(None), "leaves no file"),
     (leave(b"", "/etc/passwd"), "answers '/etc/passwd'"), (linked, "leaves no file"),
     (lambda *_: None, "answers None")],
)  # fmt: skip
def test_a_wrong_verify_brings_nothing(
    store: Store, serve: Serve, own: dict[str, Any], verify: Any, words: str
) -> None:
    shelf = serve()
    shelf.good()
    refused(store, shelf, {**own, "verify": verify}, words)


def test_a_choice_that_is_none(store: Store, serve: Serve, own: dict[str, Any]) -> None:
    shelf = serve()
    indexed(shelf)
    for answer in (None, {"digest": digest(b"x")}, "sha256:"):
        refused(store, shelf, {**own, "choose": lambda *_, a=answer: a}, "no entry of the index")


def test_a_secret_that_is_given_away(store: Store, serve: Serve, own: dict[str, Any]) -> None:
    """Nothing of it is sent: the third host hears no request at all."""
    shelf = serve("redirect", guard=Guard("me:secret"))
    shelf.good()

    def everywhere(url: str, registry: str, realm: str, token: str, password: str) -> Any:
        at_realm = realm and url.startswith(realm)
        if at_realm or not token:
            return own["headers_for"](url, registry, realm, token, password)
        return {"Authorization": f"Bearer {token}"}

    login = Login("me", "secret")
    refused(store, shelf, {**own, "headers_for": everywhere}, "that is not for it", login=login)
    assert not [line for line in shelf.registry.lines if line.startswith("elsewhere")]
    with pytest.raises(Blocked, match="login"):
        get(store, shelf, {**own, "headers_for": lambda *_: {}}, login=login)


@pytest.mark.skipif(not shutil.which("openssl"), reason="blocked: no openssl")
def test_who_is_trusted(
    store: Store, serve: Serve, own: dict[str, Any], heard: list[str], tmp_path: Path
) -> None:
    keys = [str(tmp_path / name) for name in ("ours", "theirs")]
    for key in keys:
        words = ["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key]
        subprocess.run(words, check=True, capture_output=True)
        subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-out", f"{key}.pub"], check=True)
    shelf = serve()
    manifest = shelf.good()
    host, path, _ = names.split(shelf.full())
    with Client(host, path, actions="pull,push") as client:
        signed.sign(client, shelf.full(), sha(manifest), keys[0])
    refused(store, shelf, own, "none by the key", key=f"{keys[1]}.pub")
    yes = {**own, "trusted": lambda *_: True}
    refused(store, shelf, yes, "has not signed", key=f"{keys[1]}.pub")
    refused(store, shelf, {**own, "trusted": lambda *_: 1}, "none by", key=f"{keys[0]}.pub")
    assert get(store, shelf, own, key=f"{keys[0]}.pub").fresh == 2
    assert "trusted" in heard


def test_the_command_asks_them_apart(serve: Serve, tmp_path: Path) -> None:
    """By the runtime's own record of whose functions ran."""
    shelf = serve()
    indexed(shelf)
    env = {**os.environ, "MINIDOCKER_ROOT": str(tmp_path / "s"), "MINIDOCKER_COURSE": str(ROOT),
           "MINIDOCKER_EXERCISES": str(ROOT / "solutions")}  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "minidocker", "pull", "--mine", shelf.full()],
        capture_output=True, text=True, env=env,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = "your functions in this pull: PULL_ORDER, apply_layer, choose, headers_for, trusted, verify."
    assert told in done.stderr
    notes = (tmp_path / "s/used").read_text()
    assert all(f'"{name}"' in notes for name in ("verify", "choose", "headers_for", "apply_layer"))
    assert '"trusted"' not in notes  # no signature was asked for


@pytest.mark.parametrize("named", [False, True])
def test_a_directory_that_no_archive_names_may_have_any_time(tmp_path: Path, named: bool) -> None:
    """It has the second in which it was made; the tree was refused where two of them differed."""
    members = [folder("etc")] if named else []
    (tmp_path / "layer.tar").write_bytes(archive([*members, member("etc/name", b"one")]))
    ours = tmp_path / "fs"
    unpack = runpy.run_path(str(ROOT / "solutions/12_layers.py"))["apply_layer"]
    os.mkdir(ours)
    unpack(str(tmp_path / "layer.tar"), str(ours))

    def later(tar: str, directory: str) -> None:
        unpack(tar, directory)
        os.utime(f"{directory}/etc", (5, 5))

    with pytest.raises(UsageError, match="'etc' is not what") if named else contextlib.nullcontext():
        unpack_again(later, str(tmp_path / "layer.tar"), str(ours), "a layer")
    assert os.listdir(ours) == ["etc"]
