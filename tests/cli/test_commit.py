"""`minidocker diff` and `minidocker commit`, the real commands, on the real kernel."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.needs("root", "pidns", "mntns", "overlay")

WORK = """
echo hi > /greeting; rm /etc/shells; rm -rf /home; mkdir /home; echo new > /home/x
ln /greeting /again; chown 7:8 /greeting; chmod 4711 /greeting; mknod /null2 c 1 3; ln -s /x /l
"""


def config_text(store: Path, name: str) -> str:
    """The configuration of an image: the blob that its name leads to, by the image's id."""
    image = os.readlink(store / "images/names" / name).split("/")[2]
    return (store / "blobs/sha256" / image).read_text()


@pytest.fixture
def box(minidocker: Callable) -> str:
    """The name of a container that has ended, with changes."""
    name = f"box-{os.urandom(4).hex()}"
    done = minidocker("run", "--name", name, "base", "sh", "-c", WORK)
    assert done.returncode == 0, done.stderr
    yield name
    minidocker("rm", name)


@pytest.fixture
def base_layer(shared_store: Path) -> str:
    """The directory of the base image's layer."""
    config = json.loads(config_text(shared_store, "base:latest"))
    hex = config["rootfs"]["diff_ids"][0].removeprefix("sha256:")
    return str(shared_store / "layers/sha256" / hex / "fs")


def test_diff_says_what_was_added_changed_and_deleted(minidocker: Callable, box: str) -> None:
    done = minidocker("diff", box)
    assert done.stdout.splitlines() == [
        "A /again", "C /etc", "D /etc/shells", "A /greeting", "C /home", "A /home/x", "A /l",
        "A /null2",
    ]  # fmt: skip


def test_a_committed_image_shows_the_container_as_it_ended(
    minidocker: Callable, box: str, shared_store: Path, host_unchanged: None
) -> None:
    done = minidocker("commit", box, "greeter:2", "-m", "say hi", "-c", "CMD cat /greeting",
                      "-p", "-a", "ann <a@b>")  # fmt: skip
    assert done.stdout.startswith("sha256:")
    assert minidocker("run", "--rm", "greeter:2").stdout == "hi\n"
    look = "stat -c '%n %a %u:%g %h %t' /greeting /null2; ls /etc /home; readlink /l"
    seen = minidocker("run", "--rm", "greeter:2", "sh", "-c", look).stdout.splitlines()
    assert seen[:2] == ["/greeting 4711 7:8 2 0", "/null2 644 0:0 1 1"]
    assert "shells" not in seen
    assert seen[-2:] == ["x", "/x"]
    history = json.loads(minidocker("image", "history", "greeter:2", "--json").stdout)
    assert history[0]["comment"] == "say hi"
    assert len({step["layer"] for step in history}) == 2
    config = json.loads(config_text(shared_store, "greeter:2"))
    assert ["sha256:" + step["layer"] for step in history[::-1]] == config["rootfs"]["diff_ids"]
    assert config["config"]["Cmd"] == ["/bin/sh", "-c", "cat /greeting"]
    assert (config["author"], config["history"][-1]["author"]) == ("ann <a@b>", "ann <a@b>")
    minidocker("image", "rm", "greeter:2")
    assert not (shared_store / "layers/sha256" / history[0]["layer"]).exists()
    assert (shared_store / "layers/sha256" / history[1]["layer"]).exists()


def test_the_same_changes_give_the_same_layer(minidocker: Callable, box: str) -> None:
    first = minidocker("commit", box, "one")
    second = minidocker("commit", box, "two")
    assert "which was here already" in second.stderr
    assert first.stdout != ""
    minidocker("image", "rm", "one", "two")


def test_what_the_runtime_mounts_is_in_no_commit(minidocker: Callable) -> None:
    script = (
        "echo 1.2.3.4 x >> /etc/hosts; touch /dev/shm/y; sed -i s/a/b/ /etc/hosts; rm /etc/hosts?*"
    )
    done = minidocker("run", "--name", "etc", "base", "sh", "-c", script)
    assert "esource busy" in done.stderr  # EBUSY: a mount point cannot be renamed over
    assert (
        minidocker("diff", "etc").stdout == "C /etc\n"
    )  # sed made a file there, and rm removed it
    minidocker("commit", "etc", "etc")
    lower = minidocker("run", "--rm", "etc", "cat", "/etc/hosts")
    assert "1.2.3.4" not in lower.stdout
    minidocker("rm", "etc")
    minidocker("image", "rm", "etc")


def test_no_changes_give_no_layer(minidocker: Callable, shared_store: Path) -> None:
    minidocker("run", "--name", "idle", "base", "true")
    assert minidocker("diff", "idle").stdout == ""
    done = minidocker("commit", "idle", "idle", "-c", "ENV A=1")
    assert "nothing was changed" in done.stderr
    config = json.loads(config_text(shared_store, "idle:latest"))
    assert len(config["rootfs"]["diff_ids"]) == 1
    assert config["history"][-1]["empty_layer"] is True
    assert minidocker("run", "--rm", "idle", "sh", "-c", "echo $A").stdout == "1\n"
    minidocker("rm", "idle")
    minidocker("image", "rm", "idle")


def test_more_layers_than_a_page_can_name(
    minidocker: Callable, base_layer: str, tmp_path: Path
) -> None:
    argv = ["--layer", base_layer]
    for number in range(241):
        layer = tmp_path / ("a-long-name-" * 5 + str(number))
        layer.mkdir()
        (layer / f"f{number}").touch()
        (layer / "n").write_text(f"{number}\n")
        argv += ["--layer", str(layer)]
    half = argv[: 2 * 121]
    done = minidocker("run", "--rm", *half, "sh", "-c", "cat /n; ls / | grep -c ^f")
    assert done.stdout.split() == ["119", "120"], done.stderr
    done = minidocker("run", "--rm", *half, *half, "cat", "/n")  # each counts once, the upper one
    assert done.stdout == "119\n", done.stderr
    done = minidocker("run", "--rm", *argv, "true")
    assert "243 layers are more than one mount can name" in done.stderr


def test_a_container_that_runs_is_paused_meanwhile(
    minidocker: Callable, command: list[str], shared_store: Path
) -> None:
    env = {**os.environ, "MINIDOCKER_ROOT": str(shared_store)}
    argv = [*command, "run", "--name", "busy", "base", "sh", "-c", "echo on > /x; sleep 60"]
    with subprocess.Popen(argv, env=env, stdin=subprocess.DEVNULL) as process:
        while "A /x" not in minidocker("diff", "busy").stdout:
            assert process.poll() is None
        done = minidocker("commit", "busy", "busy")
        if not os.path.exists("/sys/fs/cgroup/cgroup.controllers"):
            assert done.returncode == 1 and "it cannot be paused" in done.stderr
            done = minidocker("commit", "--pause=false", "busy", "busy")
        assert done.returncode == 0, done.stderr
        assert minidocker("inspect", "-f", "{{.State.Status}}", "busy").stdout == "running\n"
        process.kill()
    assert minidocker("run", "--rm", "busy", "cat", "/x").stdout == "on\n"
    minidocker("rm", "busy")
    minidocker("image", "rm", "busy")


def test_the_settings_are_those_of_the_run(minidocker: Callable) -> None:
    """As in Docker: what was typed at the run, above what its image says; --change above both."""
    words = ["-e", "A=1", "-e", "B", "-w", "/tmp", "-u", "7:8", "-l", "shop=open", "-v", "/anon",
             "-v", "notes:/notes", "-p", ":80", "--stop-signal", "INT", "--entrypoint", "sh"]  # fmt: skip
    minidocker("create", "--name", "asked", *words, "base", "-c", "pwd; id -u; echo $A $C")
    minidocker("commit", "asked", "asked", "-c", "ENV C=3", "-c", "LABEL two=2")
    said = json.loads(minidocker("image", "inspect", "-f", "{{json .Config}}", "asked").stdout)
    assert (said["Entrypoint"], said["Cmd"]) == (["sh"], ["-c", "pwd; id -u; echo $A $C"])
    assert {"A=1", "C=3"} < set(said["Env"]) and not any(e.startswith("HOSTNAME") for e in said["Env"])
    assert (said["User"], said["WorkingDir"], said["StopSignal"]) == ("7:8", "/tmp", "SIGINT")
    assert said["ExposedPorts"] == {"80/tcp": {}} and said["Volumes"] == {"/anon": {}}
    assert (said["Labels"]["shop"], said["Labels"]["two"]) == ("open", "2")
    assert minidocker("run", "--rm", "--network", "none", "asked").stdout == "/tmp\n7\n1 3\n"
    id = minidocker("commit", "asked", "-c", 'ENTRYPOINT ["echo"]').stdout.strip()  # and no name
    assert minidocker("image", "inspect", "-f", "{{json .Config.Cmd}} {{.RepoTags}}", id).stdout == "null []\n"
    minidocker("rm", "-v", "asked")
    minidocker("image", "rm", "asked", id)
    minidocker("volume", "rm", "notes")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["commit", "nobody", "x"], "there is no container nobody"),
        (["diff", "nobody"], "there is no container nobody"),
        (["commit"], "required: CONTAINER"),
        (["commit", "BOX", "Bad Name"], "is not a name for an image"),
        (["commit", "BOX", "x", "-c", "FROM x"], "no word that can be changed"),
    ],
)
def test_one_sentence_and_a_remedy(
    minidocker: Callable, box: str, words: list[str], told: str
) -> None:
    done = minidocker(*[word.replace("BOX", box) for word in words])
    lines = done.stderr.splitlines()
    assert done.returncode in (1, 2)
    assert told in lines[0]
    assert lines[1].startswith("  try: ")
    assert len(lines) == 2
    assert done.stdout == ""


def test_a_container_without_an_image_has_no_commit(minidocker: Callable, base_layer: str) -> None:
    minidocker("run", "--name", "bare", "--layer", base_layer, "true")
    done = minidocker("commit", "bare", "x")
    assert "--layer directories" in done.stderr
    assert minidocker("diff", "bare").returncode == 0
    minidocker("rm", "bare")
    minidocker("run", "--name", "rooted", "--rootfs", base_layer, "true")
    assert "has no layers" in minidocker("diff", "rooted").stderr
    minidocker("rm", "rooted")


def test_directories_are_open_to_the_users_inside_whatever_the_umask(
    command: list[str], shared_store: Path
) -> None:
    env = {**os.environ, "MINIDOCKER_ROOT": str(shared_store)}
    argv = [*command, "run", "--rm", "-u", "nobody", "base", "cat", "/etc/hostname", "/etc/hosts"]
    done = subprocess.run(argv, env=env, umask=0o077, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
