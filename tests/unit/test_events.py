"""The events of a store: written whole, bounded, and read on over a new file."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest

from minidocker.engine.told import Events, wanted
from minidocker.errors import UsageError
from minidocker.runtime import happened
from minidocker.spec.spec import Run, Spec
from minidocker.verbs import events
from minidocker.verbs.logs import ago


def run_of(root: Path, name: str = "box", **labels: str) -> Run:
    """A run of a container of this store."""
    directory = root / "containers" / name
    directory.mkdir(parents=True, exist_ok=True)
    spec = Spec(id=f"id-{name}", name=name, image="base:1", labels=labels)
    return Run(id=f"id-{name}", directory=str(directory), spec=spec, facts={})


def read(root: Path) -> list[str]:
    """What was told: the actions and the names, from the oldest."""
    return [f"{e['Action']} {e['Actor']['Attributes']['name']}" for e in Events(str(root)).past()]


def test_a_line_is_docker_s(tmp_path: Path) -> None:
    run = run_of(tmp_path, shop="open")
    happened.became(run, "exited", 7)
    (tmp_path / "containers/box/name").write_text("renamed")
    happened.tell(run, "rename", oldName="/box")
    first, second = map(json.loads, (tmp_path / "events").read_text().splitlines())
    assert (first["Type"], first["Action"], first["status"]) == ("container", "die", "die")
    assert first["Actor"]["ID"] == first["id"] == "id-box" and first["from"] == "base:1"
    told = {"shop": "open", "image": "base:1", "name": "box", "exitCode": "7"}
    assert first["Actor"]["Attributes"] == told and first["time"] == first["timeNano"] // 10**9
    assert second["Actor"]["Attributes"]["name"] == "renamed"
    assert os.stat(tmp_path / "events").st_mode & 0o777 == 0o600
    happened.became(run, "unreadable")
    assert len(read(tmp_path)) == 2


def test_a_change_is_told_once(tmp_path: Path) -> None:
    facts: dict[str, object] = {}
    told = [
        happened.note_time(facts, word)
        for word in ("created", "running", "running", "exited", "running")
    ]
    assert told == [True, True, False, True, True]
    assert list(facts["times"]) == ["created", "exited", "running"]


def test_the_file_is_bounded_and_nothing_is_said_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(happened, "LARGEST", 4000)
    run = run_of(tmp_path)
    crowd = [
        threading.Thread(target=lambda n=n: [happened.tell(run, f"a{n}-{i}") for i in range(20)])
        for n in range(4)
    ]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()
    kept = read(tmp_path)
    assert kept and len(set(kept)) == len(kept)
    for number in range(60):  # who was slow to turn the file over has let it grow
        happened.tell(run, f"b-{number}")
    assert sum(file.stat().st_size for file in tmp_path.glob("events*")) < 9_000
    happened.tell(run_of(tmp_path, **{f"l{n}": "x" * 1000 for n in range(50)}), "big")
    assert read(tmp_path)[-1] == "big box"  # without its labels
    assert all(
        len(line) < happened.LONGEST
        for file in tmp_path.glob("events*")
        for line in file.read_bytes().splitlines()
    )


def test_a_store_that_takes_no_line_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "events").mkdir()
    happened.tell(run_of(tmp_path), "start")
    assert os.listdir(tmp_path / "events") == []


def test_spoilt_lines_are_skipped_and_new_files_followed(tmp_path: Path) -> None:
    run = run_of(tmp_path)
    happened.tell(run, "one")
    with open(tmp_path / "events", "ab") as stream:
        stream.write(b'{"Action": "torn"\n[]\n{"Type": "x", "Action": "y", "id": 1}\n\xff\n')
    happened.tell(run, "two")
    assert read(tmp_path) == ["one box", "two box"]
    later = Events(str(tmp_path))
    later.skip()
    stream = later.come()
    assert next(stream) is None
    happened.tell(run, "three")
    os.rename(tmp_path / "events", tmp_path / "events.1")
    happened.tell(run, "four")
    seen = [
        event["Action"]
        for event, _ in zip(iter(lambda: next(stream), None), range(9), strict=False)
    ]
    assert seen == ["three", "four"]
    assert next(Events(str(tmp_path / "none")).come()) is None


def test_filters_and_how_a_line_is_written(tmp_path: Path) -> None:
    happened.tell(run_of(tmp_path, label="a\nb"), "start")
    [event] = Events(str(tmp_path)).past()
    for text in ("container=box", "container=id-b", "event=start", "type=container", "image=base",
                 "image=base:1", "label=label"):  # fmt: skip
        assert wanted([text]).fit(event), text
        assert not wanted([f"{text}x"]).fit(event) or text.startswith("container=id"), text
    assert wanted(["event=die", "event=start"]).fit(event)
    assert not wanted(["event=start", "container=other"]).fit(event)
    with pytest.raises(UsageError, match="no filter"):
        wanted(["x=y"])
    line = events.line(event)
    assert "\n" not in line and line.endswith("(image=base:1, label=a\\nb, name=box)")
    assert " container start id-box " in line


def test_since_and_until(tmp_path: Path) -> None:
    run = run_of(tmp_path)
    for action in ("one", "two", "three"):
        happened.tell(run, action)
    times = [events.stamp(event) for event in Events(str(tmp_path)).past()]
    assert times == sorted(times)
    found = events.stream(Events(str(tmp_path)), times[1], times[2])
    assert [event["Action"] for event in found] == ["two", "three"]


def test_images_volumes_and_networks_have_events_too(tmp_path: Path) -> None:
    happened.tell_of("image", str(tmp_path), "tag", "sha256:1", name="base:1")
    happened.tell_of("volume", str(tmp_path), "create", "data", driver="local")
    happened.tell_of("network", str(tmp_path), "destroy", "shop", name="shop", type="bridge")
    happened.tell(run_of(tmp_path, "data"), "exec_create: true")  # called as the volume is
    image, volume, network, container = found = list(Events(str(tmp_path)).past())
    assert (image["Type"], image["status"], image["id"]) == ("image", "tag", "sha256:1")
    assert "id" not in volume and volume["Actor"] == {"ID": "data", "Attributes": {"driver": "local"}}
    for text, these in (
        ("volume=data", [volume]), ("container=data", [container]), ("network=shop", [network]),
        ("image=base", [image, container]), ("image=sha256:1", [image]), ("type=image", [image]),
        ("event=exec_create", [container]), ("event=create", [volume]),
    ):  # fmt: skip
        assert [event for event in found if wanted([text]).fit(event)] == these, text
    assert events.line(network).endswith(" network destroy shop (name=shop, type=bridge)")
    assert read_line(json.dumps({**network, "Actor": {"ID": "", "Attributes": {}}}))  # a prune's
    assert read_line(json.dumps({**network, "Actor": {"ID": 7, "Attributes": {}}})) is None


def read_line(text: str) -> object:
    """What a reader makes of one line."""
    from minidocker.engine import told

    return told.read(text.encode())


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0s", 0), ("1h30m", 5400), ("1.5h", 5400), (".5s", 0.5), ("5.s", 5), ("1ms", 0.001), ("+3s", 3),
     ("20µs", 20e-6), ("-2m", -120), ("2562047h", 2562047 * 3600)],
)  # fmt: skip
def test_durations_are_gos(text: str, seconds: float) -> None:
    assert ago(text, "--since") == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "-", "s", "1", "1.2.3s", "1s1", "1 s", "3d", "٣s", "2562048h"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no time"):
        ago(text, "--since")
