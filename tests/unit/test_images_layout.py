"""The store as an OCI image layout: what stands in it, what is carried over, what check finds."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from images_trees import archive, folder, link, member, snapshot

from minidocker.errors import Conflict, NotFound, UsageError
from minidocker.images import importer
from minidocker.images.commit import base_of, commit
from minidocker.images.store import additions, carry, catalogue, changes, files, layout, names, oci
from minidocker.images.store.check import check
from minidocker.images.store.store import Store

SMALL = archive([folder("bin"), member("bin/sh", b"#!"), member("etc/name", b"small")])
STEP = {"created": oci.EPOCH, "created_by": "a test"}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "store"))


@pytest.fixture
def tar(tmp_path: Path) -> str:
    path = tmp_path / "small.tar"
    path.write_bytes(SMALL)
    return str(path)


def refs(store: Store) -> dict[str, str]:
    """What index.json says: name → digest of the manifest."""
    told = json.loads(Path(store.root, "index.json").read_text())
    return {
        entry.get("annotations", {}).get(layout.REF, ""): entry["digest"]
        for entry in told["manifests"]
    }


def blob(store: Store, digest: str) -> bytes:
    return Path(store.root, "blobs/sha256", digest.removeprefix("sha256:")).read_bytes()


def whole(store: Store) -> bool:
    damage, _ = check(store)
    return damage == []


def test_a_packed_archive_is_kept_as_it_came(store: Store, tmp_path: Path) -> None:
    packed = gzip.compress(SMALL[:3000]) + gzip.compress(SMALL[3000:])
    (tmp_path / "x").write_bytes(packed)
    importer.import_tar(store, "one", str(tmp_path / "x"))
    manifest = json.loads(blob(store, refs(store)["one"]))
    [layer] = manifest["layers"]
    assert blob(store, layer["digest"]) == packed
    assert layer["mediaType"] == "application/vnd.oci.image.layer.v1.tar+gzip"
    assert layer["size"] == len(packed)
    config = json.loads(blob(store, manifest["config"]["digest"]))
    assert config["rootfs"]["diff_ids"] == ["sha256:" + hashlib.sha256(SMALL).hexdigest()]
    assert whole(store)


def test_what_no_registry_knows_is_kept_plain(store: Store, tmp_path: Path) -> None:
    import lzma

    (tmp_path / "x").write_bytes(lzma.compress(SMALL))
    importer.import_tar(store, "one", str(tmp_path / "x"))
    [layer] = catalogue.manifest_of(store, store.resolve("one").id[7:])["layers"]
    assert blob(store, layer["digest"]) == SMALL
    assert whole(store)


def test_latest_is_found_with_and_without_its_tag(store: Store, tar: str) -> None:
    importer.import_tar(store, "one", tar)
    importer.import_tar(store, "host.x:5000/a/two:1", tar, ["CMD x"])
    found = refs(store)
    assert set(found) == {"one", "one:latest", "host.x:5000/a/two:1"}
    assert found["one"] == found["one:latest"]
    assert json.loads(Path(store.root, "oci-layout").read_text()) == layout.VERSION


def test_an_image_without_a_name_stays_in_the_index(store: Store, tar: str) -> None:
    importer.import_tar(store, "one", tar)
    importer.import_tar(store, "one", tar, ["CMD x"])
    assert set(refs(store)) == {"", "one", "one:latest"}
    changes.prune(store)
    assert set(refs(store)) == {"one", "one:latest"}
    assert whole(store)


def test_tags_share_an_image_and_go_one_by_one(store: Store, tar: str) -> None:
    importer.import_tar(store, "one", tar)
    additions.tag(store, "one", "docker.io/library/two:2")
    assert refs(store)["two:2"] == refs(store)["one"]
    changes.remove(store, ["one"])
    assert store.resolve("two:2").layers
    assert whole(store)
    changes.remove(store, ["two:2"])
    assert refs(store) == {}
    assert os.listdir(store.path("blobs", "sha256")) == []
    with pytest.raises(NotFound):
        additions.tag(store, "one", "three")
    with pytest.raises(UsageError, match="digest"):
        additions.tag(store, "one", "three@sha256:" + "1" * 64)


def test_a_stale_index_is_mended(store: Store, tar: str) -> None:
    importer.import_tar(store, "one", tar)
    Path(store.root, "index.json").write_text("{}")
    assert not whole(store)
    layout.mend(store)
    assert whole(store)


@pytest.mark.parametrize(
    ("name", "full", "parts"),
    [
        ("debian", "debian:latest", ("docker.io", "library/debian", "latest")),
        ("docker.io/library/debian:12", "debian:12", ("docker.io", "library/debian", "12")),
        ("index.docker.io/debian", "debian:latest", ("docker.io", "library/debian", "latest")),
        ("library/debian", "debian:latest", ("docker.io", "library/debian", "latest")),
        ("me/app", "me/app:latest", ("docker.io", "me/app", "latest")),
        ("docker.io/me/app:1", "me/app:1", ("docker.io", "me/app", "1")),
        ("localhost/x", "localhost/x:latest", ("localhost", "x", "latest")),
        ("localhost:5000/x", "localhost:5000/x:latest", ("localhost:5000", "x", "latest")),
        ("ghcr.io/a/b:t", "ghcr.io/a/b:t", ("ghcr.io", "a/b", "t")),
        ("[::1]:5000/x", "[::1]:5000/x:latest", ("[::1]:5000", "x", "latest")),
        ("[fd00::1]/a/b:1", "[fd00::1]/a/b:1", ("[fd00::1]", "a/b", "1")),
        ("ghcr.io/library/b", "ghcr.io/library/b:latest", ("ghcr.io", "library/b", "latest")),
        (
            "ghcr.io/x/y:tag@sha256:" + "1" * 64, "ghcr.io/x/y@sha256:" + "1" * 64,
            ("ghcr.io", "x/y", "sha256:" + "1" * 64),
        ),
    ],
)  # fmt: skip
def test_names_are_read_as_docker_does(name: str, full: str, parts: tuple) -> None:
    assert names.any_name(name) == full
    assert names.split(full) == parts


@pytest.mark.parametrize(
    "name", ["a@sha256:12", "a@md5:" + "1" * 32, "@sha256:" + "1" * 64, "a@sha256:" + "A" * 64]
)
def test_a_digest_has_64_digits(name: str) -> None:
    with pytest.raises(UsageError):
        names.any_name(name)


def test_the_long_name_finds_the_image(store: Store, tar: str) -> None:
    importer.import_tar(store, "docker.io/library/one", tar)
    assert list(catalogue.names(store)) == ["one:latest"]
    assert store.resolve("docker.io/library/one").id == store.resolve("one").id
    with pytest.raises(NotFound):
        store.resolve("ghcr.io/library/one")
    additions.tag(store, "one", "two")
    changes.remove(store, ["docker.io/library/one"])
    assert list(catalogue.names(store)) == ["two:latest"]
    place = Path(store.path("containers/c0ffee"))
    place.mkdir(parents=True)
    (place / "record.json").write_text(json.dumps({"image": "docker.io/library/two"}))
    with pytest.raises(Conflict, match="c0ffee"):
        changes.remove(store, ["two"])


# A store of before 2027


def old_store(store: Store, tar: str, tmp_path: Path) -> tuple[str, str]:
    """Make a store in the old form: an imported image, one committed on it; their old ids."""
    importer.import_tar(store, "one", tar, ["CMD x"])
    upper = tmp_path / "upper"
    shutil.rmtree(upper, ignore_errors=True)
    (upper / "etc").mkdir(parents=True)
    (upper / "etc/more").write_text("more")
    commit(store, "two:2", store.resolve("one").id[7:], str(upper), STEP)
    for image in os.listdir(store.path("images/sha256")):
        place = Path(store.path("images/sha256", image))
        [manifest] = catalogue.manifests_of(store, image)
        shutil.copy(store.path("blobs/sha256", image), place / "config.json")
        shutil.copy(store.path("blobs/sha256", manifest), place / "manifest.json")
        (place / manifest).unlink()
    for name in Path(store.path("images/names")).iterdir():
        image = os.readlink(name).split("/")[2]
        name.unlink()
        name.symlink_to("../sha256/" + image)
    shutil.rmtree(store.path("blobs"))
    os.unlink(store.path("index.json"))
    os.unlink(store.path("oci-layout"))
    return store.resolve("one").id, store.resolve("two:2").id


def test_an_old_store_is_carried_over(store: Store, tar: str, tmp_path: Path) -> None:
    old_store(store, tar, tmp_path)
    before = {name: store.resolve(name) for name in ("one", "two:2")}
    trees = [snapshot(layer) for layer in before["two:2"].layers]
    carry.ready(store)
    assert whole(store)
    assert set(refs(store)) == {"one", "one:latest", "two:2"}
    for name, image in before.items():
        assert store.resolve(name).config == image.config
    # Python's tarfile and our packer order members differently: the imported layer has a new name,
    assert store.resolve("one").id != before["one"].id
    assert [snapshot(layer) for layer in store.resolve("two:2").layers] == trees
    # and a container that was started before still finds its layers, and the image that has them.
    assert [snapshot(layer) for layer in before["two:2"].layers] == trees
    hexes = [layer.split("/")[-2] for layer in before["two:2"].layers]
    assert base_of(store, "two:2", hexes) == store.resolve("two:2").id[7:]
    # What commit had packed comes out with the digest that it has.
    assert store.resolve("two:2").layers[1] == before["two:2"].layers[1]
    carry.ready(store)
    assert leftovers(store) == []


def leftovers(store: Store) -> list[str]:
    return os.listdir(store.path("partial"))


def test_old_layers_stay_while_something_uses_them(store: Store, tar: str, tmp_path: Path) -> None:
    old_store(store, tar, tmp_path)
    image = store.resolve("one")
    place = tmp_path / "store/containers/c0ffee"
    place.mkdir(parents=True)
    (place / "record.json").write_text(json.dumps({"spec": {"root": {"layers": image.layers}}}))
    carry.ready(store)
    changes.remove(store, ["one", "two:2"])
    assert Path(image.layers[0], "etc/name").exists()
    shutil.rmtree(place)
    changes.prune(store)
    assert os.listdir(store.path("layers/sha256")) == []


def test_an_old_store_that_was_not_carried_over_loses_nothing(
    store: Store, tar: str, tmp_path: Path
) -> None:
    old_store(store, tar, tmp_path)
    assert [entry.names for entry in catalogue.entries(store)] == [["one:latest"], ["two:2"]]
    changes.prune(store)
    changes.remove(store, ["two:2"])
    assert Path(store.resolve("one").layers[0], "etc/name").read_bytes() == b"small"
    carry.ready(store)
    assert whole(store)


def test_carrying_over_is_killed_at_each_rename(store: Store, tar: str, tmp_path: Path) -> None:
    script = (
        "import os, sys, signal\n"
        "from minidocker.images.store import carry\n"
        "from minidocker.images.store.store import Store\n"
        "left = [int(sys.argv[1])]\n"
        "def counted(call):\n"
        "    def done(*args, **more):\n"
        "        left[0] -= 1\n"
        "        if left[0] < 0: os.kill(os.getpid(), signal.SIGKILL)\n"
        "        return call(*args, **more)\n"
        "    return done\n"
        "for name in ('rename', 'symlink', 'unlink'): setattr(os, name, counted(getattr(os, name)))\n"
        "carry.ready(Store())\n"
    )
    env = {**os.environ, "MINIDOCKER_ROOT": store.root}
    for count in range(0, 40, 3):
        shutil.rmtree(store.root, ignore_errors=True)
        old_store(store, tar, tmp_path)
        done = subprocess.run([sys.executable, "-c", script, str(count)], env=env)
        assert Path(store.resolve("two:2").layers[0], "etc/name").exists()
        if done.returncode == 0:
            break
        carry.ready(store)
        assert whole(store), count
    assert done.returncode == 0


def test_a_damaged_old_image_stops_nobody(store: Store, tar: str, tmp_path: Path) -> None:
    old_store(store, tar, tmp_path)
    shutil.rmtree(store.resolve("two:2").layers[1])
    carry.ready(store)
    damage, _ = check(store)
    assert {one.image for one in damage} == {store.resolve("two:2").id[7:]}
    assert set(refs(store)) == {"one", "one:latest"}
    changes.remove(store, ["two:2"])
    assert whole(store)


# image check


def spoil_blob(store: Store, image: str) -> None:
    path = Path(store.path("blobs/sha256", catalogue.layers_of(store, image)[0]))
    path.write_bytes(path.read_bytes()[:-1] + b"x")


def spoil_packed(store: Store, image: str) -> None:
    """A gzip'd blob that unpacks to another layer than its image says."""
    manifest = catalogue.manifest_of(store, image)
    data = gzip.compress(archive([member("other")]))
    hex = hashlib.sha256(data).hexdigest()
    Path(store.path("blobs/sha256", hex)).write_bytes(data)
    manifest["layers"] = [oci.descriptor(oci.layer_type("gzip"), hex, len(data))]
    _replace_manifest(store, image, manifest)


def spoil_count(store: Store, image: str) -> None:
    manifest = catalogue.manifest_of(store, image)
    _replace_manifest(store, image, {**manifest, "layers": manifest["layers"] * 2})


def _replace_manifest(store: Store, image: str, manifest: dict) -> None:
    data = files.as_json(manifest)
    hex = hashlib.sha256(data).hexdigest()
    Path(store.path("blobs/sha256", hex)).write_bytes(data)
    place = Path(store.path("images/sha256", image))
    for old in catalogue.manifests_of(store, image):
        (place / old).unlink()
    (place / hex).symlink_to(".")
    name = Path(store.path("images/names/one:latest"))
    name.unlink()
    name.symlink_to(f"../sha256/{image}/{hex}")
    layout.mend(store)


SPOILERS = {
    "a byte of a blob": spoil_blob,
    "a blob of another layer": spoil_packed,
    "a manifest of another image": spoil_count,
    "a blob is gone": lambda s, i: os.unlink(s.path("blobs/sha256", catalogue.layers_of(s, i)[0])),
    "a configuration is gone": lambda s, i: os.unlink(s.path("blobs/sha256", i)),
    "a layer is gone": lambda s, i: shutil.rmtree(s.path("layers/sha256")),
    "a lean file is empty": lambda s, i: Path(s.path("images/sha256", i, "lean")).write_text(""),
    "a name leads nowhere": lambda s, i: os.symlink("../sha256/1/2", s.path("images/names/x:1")),
}


@pytest.mark.parametrize("how", SPOILERS)
def test_check_finds(store: Store, tar: str, how: str) -> None:
    importer.import_tar(store, "one", tar)
    assert whole(store)
    SPOILERS[how](store, store.resolve("one").id[7:])
    assert not whole(store)


def test_an_image_that_lost_a_blob_meanwhile_is_a_conflict(
    store: Store, tar: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    importer.import_tar(store, "one", tar)
    shutil.rmtree(store.path("blobs/sha256"))
    upper = tmp_path / "upper"
    upper.mkdir()
    (upper / "x").write_text("")
    (tmp_path / "c").write_bytes(b"")
    with pytest.raises((Conflict, NotFound)):
        commit(store, "two", store.resolve("one").id[7:], str(upper), STEP)


def test_a_link_in_an_image_stays_one(store: Store, tmp_path: Path) -> None:
    tar = tmp_path / "x"
    tar.write_bytes(archive([folder("a"), link("a/b", "/etc")]))
    importer.import_tar(store, "one", str(tar))
    assert whole(store)
