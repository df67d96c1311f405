"""What people type every day and nobody thinks of: exit statuses, and words that prune."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from keeping import Run, start, until

from minidocker.engine import ending
from minidocker.errors import Conflict, FlagError, MinidockerError, NotFound, UsageError
from minidocker.verbs.failed import status_of

OTHER_KINDS = (  # JSON, and no record of ours
    '{"id": "ID", "name": "", "image": "", "status": "running", "facts": {}, "spec": {"mounts": 5}}'
)
LATER = {"restart", "top", "update", "archive-path", "export", "stop", "commit", "prune"}
everyday = pytest.mark.needs("root", "pidns", "mntns", "overlay")


@pytest.mark.parametrize(
    ("line", "status"),
    [("run", 125), ("create", 1), ("container run", 125), ("stop", 1), ("container stop", 1),
     ("exec", 1), ("rmi", 1), ("network", 1)],
)  # fmt: skip
def test_the_exit_status_of_what_is_not_there_is_dockers(line: str, status: int) -> None:
    word, *rest = [*line.split(), "nobody"]
    for kind in (NotFound, Conflict):
        assert status_of(kind("it is not there"), word, rest) == status
        assert status_of(kind("it cannot be run", status=126), word, rest) == 126
    assert status_of(MinidockerError("ours has failed"), word, rest) == 125
    planned = 125 if word == "create" else status  # what is wrong in a plan is, in Docker, a flag's
    assert status_of(UsageError("not so"), word, rest) == planned
    assert status_of(FlagError("no such option"), word, rest) == 125
    assert status_of(UsageError("x", docker='invalid argument "x" for "-t"'), word, rest) == 125
    assert status_of(UsageError("no such option"), "grade", rest) == 2
    assert status_of(UsageError("invalid filter", status=1), word, rest) == 1


@pytest.mark.parametrize("word", ["rm", "stop", "start"])
def test_several_that_are_not_there_end_as_one_does(minidocker: Run, word: str) -> None:
    one, two = minidocker(word, "nobody"), minidocker(word, "nobody", "nowhere")
    assert (one.returncode, two.returncode) == (1, 1), two
    assert two.stderr.count("Docker says: No such container: no") == 2


@everyday
def test_container_prune_removes_what_does_not_run(alone: Run, shared_store: Path) -> None:
    lives = start(alone, "base", "sleep", "600")
    ended = start(alone, "base", "true")
    made = alone("create", "base", "true").stdout.strip()
    assert alone("wait", ended).stdout == "0\n"
    done = alone("container", "prune", "-f")
    deleted, _, reclaimed = done.stdout.partition("\n\n")
    assert sorted(deleted.splitlines()[1:]) == sorted([ended, made]), done
    assert deleted.startswith("Deleted Containers:\n") and "Total reclaimed space: " in reclaimed
    left = set(os.listdir(shared_store / "containers")) - {"names"}
    assert left == {lives}
    assert not alone("container", "prune").stdout.startswith("Deleted")


@everyday
@pytest.mark.parametrize("word", ["system", "volume", "image", "network", "container"])
def test_what_prunes_takes_dockers_force(word: str, alone: Run) -> None:
    done = alone(word, "prune", "--force")
    assert done.returncode == 0, done.stderr


@everyday
@pytest.mark.parametrize("spoilt", ["", "{", "[1]", "{}", '"text"', "[" * 100_000, OTHER_KINDS])
def test_a_record_that_nobody_can_read_can_be_ended_and_removed(
    spoilt: str, alone: Run, shared_store: Path
) -> None:
    id = start(alone, "base", "sleep", "600")
    (shared_store / "containers" / id / "record.json").write_text(spoilt.replace("ID", id))
    listed = alone("ps", "-a")
    assert id in listed.stdout and "Dead" in listed.stdout, listed.stderr
    done = alone("rm", "-f", id)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{id}\n", "")
    assert not (shared_store / "containers" / id).exists()


@everyday
def test_a_container_whose_mark_is_lost_can_be_ended(alone: Run, shared_store: Path) -> None:
    for word in (("stop", "-t", "0"), ("rm", "-f")):
        id = start(alone, "base", "sleep", "600")
        (shared_store / "containers" / id / "pid").write_text("")
        done = alone(*word, id, timeout=ending.PATIENCE)
        assert (done.returncode, done.stderr) == (0, "")
        assert id not in alone("ps", "-q").stdout


@everyday
def test_a_container_whose_lock_is_lost_can_be_ended(alone: Run, shared_store: Path) -> None:
    id = start(alone, "base", "sleep", "600")
    lock = shared_store / "containers" / id / "lock"
    lock.unlink()
    assert alone("exec", id, "echo", "in").stdout == "in\n"
    assert alone("rm", id).returncode == 1 and id not in alone("prune").stdout
    done = alone("stop", "-t", "0", id, timeout=ending.PATIENCE)
    assert (done.returncode, done.stderr) == (0, "")
    assert alone("start", id).returncode == 0
    lock.unlink()
    done = alone("rm", "-f", id, timeout=ending.PATIENCE)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{id}\n", "")
    assert not lock.parent.exists()


def test_who_waits_for_what_was_only_being_made_may_not_hear_how_it_ended(tmp_path: Path) -> None:
    directory = tmp_path / "containers" / "abc"
    directory.mkdir(parents=True)
    known = {"id": "abc", "name": "", "image": "", "status": "created", "facts": {}}
    later = {**known, "status": "running", "keeper": "1 2 dead"}
    (directory / "record.json").write_text(json.dumps(later))
    assert ending.recorded({**known, "directory": str(directory)}) is None


@everyday
def test_names_and_signals_as_docker_takes_them(alone: Run) -> None:
    id = start(alone, "--name", "first", "base", "sh", "-c", "trap 'exit 7' 35; sleep 600 & wait")
    made = alone("create", "base", "true").stdout.strip()
    none = alone("rename", "first", "")
    assert none.returncode == 1 and "neither old nor new names may be empty" in none.stderr
    assert alone("inspect", "-f", "{{.Name}}", id).stdout == "/first\n"
    for word in ("wait", "kill", "stop"):
        assert alone(word, made, "nobody").returncode == 1
    assert alone("logs", made).returncode == 0
    until(lambda: alone("kill", "-s", "RTMIN+1", id).returncode != 0)
    assert alone("wait", id).stdout == "7\n"


@everyday
def test_a_container_that_never_pauses_holds_no_reader_up(alone: Run) -> None:
    id = start(alone, "base", "yes", "words")
    for words in ((), ("--tail", "3"), ("--tail", "3", "--since", "1h")):
        done = alone("logs", *words, id)
        *whole, begun = done.stdout.split("\n")  # the last line may be half-said by then
        assert done.returncode == 0 and whole[-1] == "words" and "words".startswith(begun)


@everyday
def test_events_tell_of_exec_volumes_and_images(alone: Run, shared_store: Path) -> None:
    id = start(alone, "--health-cmd", "true", "--health-interval", "20ms", "base", "sleep", "600")
    assert alone("exec", id, "sh", "-c", "exit 3").returncode == 3
    assert alone("exec", id, "sh", "-c", ": " + "x" * 100_000).returncode == 0
    for words in (("volume", "create", "told"), ("volume", "rm", "told"),
                  ("tag", "base", "told:1"), ("rmi", "told:1")):  # fmt: skip
        assert alone(*words).returncode == 0

    def said(*words: str) -> list[str]:
        done = alone("events", "--since", "10m", "--until", "0s", *words)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    shown = ("--format", "{{.Action}}")
    inside = said("-f", f"container={id}", *shown)
    execs = [action for action in inside if action.startswith("exec_")]
    assert execs[:3] == ["exec_create: sh -c exit 3", "exec_start: sh -c exit 3", "exec_die"]
    assert len(execs) == 6 and "health_status: healthy" in inside  # a look of ours is none
    for words in (("restart", "-t", "0", id), ("top", id), ("update", "--restart", "no", id),
                  ("cp", f"{id}:/etc/passwd", "-"), ("export", "-o", os.devnull, id),
                  ("stop", "-t", "0", id), ("commit", id, "held"), ("rmi", "held"),
                  ("container", "prune", "-f")):  # fmt: skip
        assert alone(*words).returncode == 0
    assert set(said(*shown)[-40:]) >= LATER
    codes = said("-f", f"container={id}", "-f", "event=exec_die", "--format",
                 "{{.Actor.Attributes.exitCode}}")  # fmt: skip
    assert codes == ["3", "0"]
    assert said("-f", "volume=told", *shown) == ["create", "destroy"]
    assert said("-f", "image=told", *shown) == ["tag", "untag"]


@everyday
def test_events_tell_of_builds_saves_and_prunes(minidocker: Run, tmp_path: Path) -> None:
    env = {"MINIDOCKER_ROOT": str(tmp_path / "store")}
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
    for words in (("build", "-t", "one", "-t", "two:1", str(tmp_path)), ("tag", "one", "three"),
                  ("save", "-o", os.devnull, "one"), ("rmi", "one"), ("image", "prune", "-af"),
                  ("volume", "create", "room"), ("volume", "prune", "-af"),
                  ("network", "create", "net"), ("network", "prune", "-f"),
                  ("container", "prune", "-f")):  # fmt: skip
        assert minidocker(*words, env=env).returncode == 0
    asked = ("events", "--since", "10m", "--until", "0s", "--format")
    happened = minidocker(*asked, "{{.Type}} {{.Action}}", env=env).stdout.splitlines()
    images = [line.partition(" ")[2] for line in happened if line.startswith("image")]
    assert images == ["tag"] * 3 + ["save"] + ["untag"] * 3 + ["delete", "prune"]
    assert happened[len(images) :] == ["volume create", "volume destroy", "volume prune",
        "network create", "network destroy", "network prune", "container prune"]  # fmt: skip
    freed = "{{.Actor.Attributes.reclaimed}}"
    prunes = minidocker(*asked, freed, "-f", "event=prune", env=env).stdout.split()
    assert prunes[0].isdecimal() and prunes[1:] == ["0", "0", "0"]


@everyday
def test_what_prunes_takes_filters(alone: Run) -> None:
    words = ("--network", "none", "base", "true")
    gone, kept = (alone("create", "-l", f"gone={n}", *words).stdout.strip() for n in (1, 2))
    assert alone("container", "prune", "-f", "--filter", "label=gone=1").stdout.split()[2] == gone
    assert kept in alone("ps", "-aq").stdout and gone not in alone("ps", "-aq").stdout
    assert alone("commit", "-c", "LABEL gone=3", kept, "prune-me").returncode == 0
    for wrong in (["--filter", "label=gone=3", "--filter", "until=24h"], ["--filter", "label=gone=3", "--filter", "label!=gone"]):
        alone("image", "prune", "-af", *wrong)
        assert "prune-me" in alone("images").stdout, wrong
    assert "untagged: prune-me:latest" in alone("system", "prune", "-af", "--filter", "label=gone=3").stdout
    assert kept in alone("ps", "-aq").stdout
    assert kept in alone("system", "prune", "-f", "--filter", "label=gone").stdout
    last, loose = (alone(*word).stdout.strip() for word in (["create", *words], ["volume", "create"]))
    each = alone("system", "df", "-v").stdout
    assert re.findall(r"^\w.*:", each, re.M)[1:] == [
        "Containers space usage:", "Local Volumes space usage:", "Build cache usage:"
    ]  # fmt: skip
    assert re.search(rf"^{last} .* 0B \(virtual .*\) .* Created ", each, re.M)
    assert re.search(rf"^{loose}   0  ", each, re.M)
    swept = alone("system", "prune", "-f", "--volumes").stdout
    assert last in swept and swept.count("Total reclaimed space: ") == 1
    assert alone("volume", "ls", "-q").stdout == "" == alone("ps", "-aq").stdout
    done = alone("image", "prune", "--filter", "name=x")
    assert done.returncode == 1 and "invalid filter 'name'" in done.stderr
