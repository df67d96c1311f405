"""`images --filter` and `image rm -f`: which images Docker's words mean."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from images_trees import archive, folder, member

from minidocker.errors import Conflict, NotFound, UsageError
from minidocker.images import importer
from minidocker.images.store import additions, catalogue, changes, oci
from minidocker.images.store.store import Store
from minidocker.verbs import image

TIMES = {"one:1": "2026-01-01T00:00:00Z", "lab.example/a/two:1": "2026-01-01T00:00:00.5Z", "one:2": oci.EPOCH}


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Three images, made at TIMES; each has a label with its name."""
    monkeypatch.setenv("MINIDOCKER_ROOT", str(tmp_path / "store"))
    found = Store()
    for name, when in TIMES.items():
        (tmp_path / "x.tar").write_bytes(archive([folder("bin"), member("bin/sh", name.encode())]))
        monkeypatch.setattr(oci, "now", lambda when=when: when)
        importer.import_tar(found, name, str(tmp_path / "x.tar"), [f"LABEL name={name}"])
    return found


def listed(capfd: pytest.CaptureFixture[str], *words: str) -> list[str]:
    capfd.readouterr()
    assert image.main(["ls", "--format", "{{.Repository}}:{{.Tag}}", *words]) == 0
    return sorted(capfd.readouterr().out.split())


@pytest.mark.parametrize(
    ("words", "wanted"),
    [(["-f", "reference=one"], ["one:1", "one:2"]), (["--filter", "reference=o*:1"], ["one:1"]),
     (["-f", "reference=*two"], []), (["-f", "reference=lab.example/*/t??"], ["lab.example/a/two:1"]),
     (["one*"], ["one:1", "one:2"]), (["one:2"], ["one:2"]), (["-f", "dangling=true"], []),
     (["-f", "dangling=0", "-f", "reference=one"], ["one:1", "one:2"]),
     (["-f", "before=lab.example/a/two:1"], ["one:1", "one:2"]), (["-f", "since=one:1"], ["lab.example/a/two:1"]),
     (["-f", "label=name=one:1"], ["one:1"]), (["-f", "label=name", "-f", "label=no"], []),
     (["-f", "until=2025-01-01"], ["one:2"])],
)  # fmt: skip
def test_filters_of_images(
    store: Store, capfd: pytest.CaptureFixture[str], words: list[str], wanted: list[str]
) -> None:
    assert listed(capfd, *words) == wanted


def test_filters_that_are_none(store: Store) -> None:
    for text, docker in (("x=1", "invalid filter 'x'"), ("dangling=perhaps", "dangling=perhaps"),
                         ("reference", "bad format of filter")):  # fmt: skip
        with pytest.raises(UsageError) as caught:
            image.main(["ls", "-f", text])
        assert docker in caught.value.docker
    with pytest.raises(NotFound, match="nothing"):
        image.main(["ls", "-f", "before=nothing"])


def test_json_and_ids_are_filtered_too(store: Store, capfd: pytest.CaptureFixture[str]) -> None:
    capfd.readouterr()
    image.main(["ls", "--json", "-f", "reference=one:1"])
    assert [one["names"] for one in json.loads(capfd.readouterr().out)] == [["one:1"]]
    image.main(["ls", "-q", "-f", "reference=one:1"])
    assert capfd.readouterr().out.strip() == store.resolve("one:1").id[7:19]


def test_a_forced_removal(store: Store, capfd: pytest.CaptureFixture[str]) -> None:
    assert image.main(["rm", "-f", "nothing:1"]) == 0
    assert "there is no image nothing:1" in capfd.readouterr().err
    with pytest.raises(NotFound):
        image.main(["rm", "nothing:1"])
    id = store.resolve("one:2").id
    image.main(["rm", "--force", "one:2", "nothing:1"])
    assert id[7:] not in {entry.id[7:] for entry in catalogue.entries(store)}
    # an id stands for all names, and what a container uses stays without one
    id = store.resolve("one:1").id.removeprefix("sha256:")
    additions.tag(store, "one:1", "other:1")
    with pytest.raises(Conflict, match="has 2 names"):
        changes.remove(store, [id[:12]])
    box = Path(store.path("containers", "0123456789ab"))
    box.mkdir(parents=True)
    (box / "record.json").write_text(json.dumps({"image": "one:1", "layers": [f"sha256/{id}"]}))
    with pytest.raises(Conflict, match="0123456789ab"):
        changes.remove(store, ["one:1", "other:1"])
    assert {one.kind for one in changes.remove(store, [id[:12]], force=True)} == {"name"}
    assert listed(capfd, "-f", "dangling=true") == ["<none>:<none>"]
    changes.prune(store)
    assert store.resolve(id[:12]).layers  # the container can start again
    (box / "record.json").unlink()
    box.rmdir()
    changes.prune(store)
    with pytest.raises(NotFound):
        store.resolve(id[:12])
