"""What a tag points to, and who is asked in a pull: drawn from our registry's files and log."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from drawn import drawn
from images_shelf import Shelved, as_json, get, serving, sha

from minidocker.images.registry.credentials import Login
from minidocker.images.registry.tokens import Guard
from minidocker.images.store import oci
from minidocker.images.store.store import Store
from minidocker.lab import image_tree
from minidocker.pictures.pull_sequence import pull_sequence, steps

Serve = Callable[..., Shelved]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    yield from serving(tmp_path / "reg")


def indexed(shelf: Shelved) -> None:
    """An index under "latest", with one image twice, for two platforms."""
    data = shelf.good("one")
    entry = oci.descriptor(oci.MANIFEST_TYPE, sha(data), len(data))
    platforms = [{"os": "linux", "architecture": name} for name in ("amd64", "riscv64")]
    entries = [{**entry, "platform": platform} for platform in platforms]
    index = {"schemaVersion": 2, "mediaType": oci.INDEX_TYPE, "manifests": entries}
    shelf.document(as_json(index), "latest", oci.INDEX_TYPE)


def test_a_tag_down_to_its_files(serve: Serve) -> None:
    shelf = serve()
    indexed(shelf)
    picture = image_tree(shelf.registry.shelf.directory, "lab/one:latest")
    assert picture.desc == "The tag stands for an index: 2 manifests, 4 layers named, 2 kept."
    kinds = [row[0].strip() for row in picture.rows]
    assert kinds[:6] == ["tag", "index", "manifest", "config", "layer", "files"]
    words = drawn(picture)
    assert "linux/riscv64" in words and "bin/sh, etc/name" in words
    assert "start /bin/sh" in words
    assert words.count("the same blob again") == 4  # a manifest, its configuration, two layers
    plain = image_tree(shelf.registry.shelf.directory, "lab/one:one")
    assert plain.desc.startswith("The tag stands for a manifest: 1 manifest, 2 layers")


def test_what_is_missing_is_said(serve: Serve) -> None:
    shelf = serve()
    indexed(shelf)
    directory = shelf.registry.shelf.directory
    blobs = Path(directory, "blobs/sha256")
    for path in blobs.iterdir():
        if path.read_bytes()[:2] == b"\x1f\x8b":
            os.truncate(path, 5)
    picture = image_tree(directory, "lab/one:latest")
    assert [row[0].strip() for row in picture.rows].count("missing") == 4
    assert "missing" in drawn(picture)
    with pytest.raises(LookupError):
        image_tree(directory, "lab/one:none")


def test_a_pull_with_a_token_and_a_redirect(serve: Serve, tmp_path: Path) -> None:
    shelf = serve("redirect", guard=Guard("me:secret"))
    shelf.good()
    get(Store(str(tmp_path / "store")), shelf.full(), login=Login("me", "secret"))
    picture = pull_sequence(shelf.registry.lines)
    heard = {step.place: set() for step in steps(shelf.registry.lines)}
    for step in steps(shelf.registry.lines):
        heard[step.place].add(step.secret)
    assert heard == {"registry": {"", "Bearer"}, "realm": {"Basic"}, "elsewhere": {""}}
    assert "what does latest stand for?" in drawn(picture)
    assert "a token for repository:lab/one:pull" in drawn(picture)
    assert "the realm got 1 request, and heard the password" in picture.desc
    assert "the other host got 3 requests, and heard no secret" in picture.desc
    assert "secret" not in "".join(shelf.registry.lines)
    assert len(picture.rows) == len(shelf.registry.lines)


def test_lines_that_are_no_requests() -> None:
    picture = pull_sequence(["", "http://127.0.0.1:5000", "\x1b[31m", "GET /v2/a/blobs/\u202e 200"])
    assert picture.desc == "The registry got 1 request, and heard no secret."
    assert "\u202e" not in drawn(picture)
    assert pull_sequence([]).desc == "Nobody was asked for anything."
    many = pull_sequence([f"GET /v2/a/manifests/{number} 200" for number in range(99)])
    assert "and 39 more" in drawn(many)
    assert len(many.rows) == 99


def test_no_name_of_the_lab_is_that_of_its_module() -> None:
    """Or the import of the module would hide the name behind it."""
    from minidocker import lab

    beside = {path.stem for path in Path(lab.__file__).parent.glob("*.py")}
    assert not beside & set(lab._NAMES)
