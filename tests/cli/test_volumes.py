"""Volumes with the real command: named, anonymous and relative ones, and what fills them."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from test_rootless import FIRST, UID, Account, with_base

pytestmark = pytest.mark.needs("root", "userns", "pidns", "mntns", "overlay")
QUIET = ("run", "--rm", "--network", "none")


@pytest.fixture
def store(shared_store: Path, tmp_path: Path) -> Path:
    """A store of the test's own, with `base` and an image that has something to fill a volume with."""
    own = tmp_path / "store"
    shutil.copytree(shared_store, own, symlinks=True,
                    ignore=shutil.ignore_patterns("containers", "networks", "volumes"))  # fmt: skip
    return own


@pytest.fixture
def mini(store: Path, command: list[str], tmp_path: Path) -> Callable[..., subprocess.CompletedProcess]:
    def run(*words: str, status: int | None = 0, **more: object) -> subprocess.CompletedProcess:
        done = subprocess.run(
            [*command, *words], env={**os.environ, "MINIDOCKER_ROOT": str(store)}, text=True,
            capture_output=True, stdin=subprocess.DEVNULL, timeout=60, **more,
        )  # fmt: skip
        assert status is None or done.returncode == status, done.stderr
        return done

    return run


@pytest.fixture
def full(mini: Callable, tmp_path: Path) -> str:
    """An image whose /data has owners, modes, links and a file with setuid."""
    script = (
        "mkdir -p /data/sub && cd /data && echo one > sub/file && ln -s sub/file link && "
        "ln -s /etc/shadow out && echo tool > tool && ln tool same && chown 7:8 tool sub && "
        "chmod 4755 tool && chmod 750 /data && chown 5:6 /data && touch -d '2001-02-03 04:05' sub/file"
    )
    mini("run", "--network", "none", "--name", "making", "base", "sh", "-c", script)
    mini("commit", "making", "full")
    mini("rm", "making")
    return "full"


def names(mini: Callable) -> list[str]:
    return mini("volume", "ls", "-q").stdout.split()


LOOK = ("stat -c '%n %F %a %u:%g %Y %h' /data /data/sub /data/sub/file /data/link /data/tool; "
        "cat /data/link; readlink /data/out")  # fmt: skip


def test_a_named_volume_is_filled_from_the_image_with_owners_and_modes(mini: Callable, full: str) -> None:
    wanted = mini(*QUIET, full, "sh", "-c", LOOK).stdout
    assert "/data directory 750 5:6" in wanted and "/data/tool regular file 4755 7:8" in wanted
    assert mini(*QUIET, "-v", "notes:/data", full, "sh", "-c", LOOK).stdout == wanted
    mini(*QUIET, "-v", "notes:/data", full, "sh", "-c", "echo two > /data/sub/file; rm /data/out")
    # at the second use it is what it was left as, whatever an image has there
    out = mini(*QUIET, "-v", "notes:/etc", "base", "sh", "-c", "cat /etc/sub/file; ls /etc").stdout
    assert set(out.split()) >= {"two", "link", "sub", "tool"} and "passwd" not in out.split()
    assert names(mini) == ["notes"]


def test_nocopy_and_read_only(mini: Callable, full: str) -> None:
    assert mini(*QUIET, "-v", "bare:/data:nocopy", full, "ls", "-A", "/data").stdout == ""
    done = mini(*QUIET, "-v", "ready:/data:ro", full, "sh", "-c", "cat /data/link; touch /data/x", status=1)
    assert done.stdout == "one\n" and "Read-only" in done.stderr
    mount = "type=volume,src=bare,dst=/data,volume-nocopy"
    assert mini(*QUIET, "--mount", mount, full, "ls", "-A", "/data").stdout == ""


def test_an_anonymous_volume_goes_with_rm_and_stays_without(mini: Callable, full: str) -> None:
    mini(*QUIET, "-v", "/data", full, "true")
    assert names(mini) == []
    mini("run", "--network", "none", "--name", "kept", "-v", "/data", full, "sh", "-c", "echo hi > /data/x")
    [name] = names(mini)
    assert len(name) == 64
    done = mini("volume", "rm", name, status=1)
    assert "volume is in use - [" in done.stderr
    assert mini("volume", "prune").stdout == "Total reclaimed space: 0B\n"
    mini("rm", "kept")
    assert names(mini) == [name]
    told = mini("volume", "prune").stdout
    assert told.startswith(f"Deleted Volumes:\n{name}\n\nTotal reclaimed space: ") and " 0B" not in told
    mini("run", "--network", "none", "--name", "kept", "-v", "/data", full, "true")
    mini("rm", "-v", "kept")
    assert names(mini) == []


def test_what_fails_or_is_killed_leaves_no_anonymous_volume(mini: Callable, store: Path, command: list[str]) -> None:
    mini("run", "--network", "none", "-v", "/data", "base", "/no/such", status=127)
    assert names(mini) == []
    env = {**os.environ, "MINIDOCKER_ROOT": str(store)}
    for number in range(12):
        one = subprocess.Popen([*command, *QUIET, "-v", "/data", "base", "true"], env=env,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
        time.sleep(number * 0.02)
        one.send_signal(signal.SIGKILL)
        one.wait()
    mini("prune")
    assert names(mini) == []


def test_a_relative_path_and_a_missing_one(mini: Callable, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here/file").write_text("hello\n")
    for source in ("./here", "here/../here"):
        done = mini(*QUIET, "-v", f"{source}:/data", "base", "cat", "/data/file", status=None, cwd=tmp_path)
        assert (done.stdout == "hello\n") == source.startswith("."), done.stderr
    assert "includes invalid characters for a local volume name" in done.stderr
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for source in ("link", "link/below"):  # Docker, too, makes nothing where a link points
        done = mini(*QUIET, "-v", f"{tmp_path}/{source}:/data", "base", "true", status=125)
        assert "does not exist" in done.stderr and not (tmp_path / "nowhere").exists()
    mini(*QUIET, "-v", f"{tmp_path}/gone:/data", "no-such-image", "true", status=125)
    assert not (tmp_path / "gone").exists()
    mini(*QUIET, "-v", f"{tmp_path}/made/by/us:/data:ro", "base", "test", "-d", "/data")
    mini(*QUIET, "-v", f"{tmp_path}/made/two:/data", "base", "touch", "/data/file")
    assert (tmp_path / "made/two/file").exists() and (tmp_path / "made/by/us").stat().st_mode & 0o777 == 0o755
    mount = f"type=bind,source={tmp_path}/asked,target=/data,bind-create-src"
    mini(*QUIET, "--mount", mount, "base", "touch", "/data/file")
    assert (tmp_path / "asked/file").exists()
    mount = f"type=bind,source={tmp_path}/gone,target=/data"
    done = mini(*QUIET, "--mount", mount, "base", "true", status=125)
    assert f"bind source path does not exist: {tmp_path}/gone" in done.stderr


def test_every_key_of_mount(mini: Callable, tmp_path: Path) -> None:
    (tmp_path / "a,b").mkdir()
    (tmp_path / "a,b/file").write_text("hello\n")
    out = mini(*QUIET, "--mount", f'type=bind,"src={tmp_path}/a,b",dst=/data,ro,consistency=cached,'
               "bind-propagation=rprivate", "base", "sh", "-c", "cat /data/file; touch /data/x || echo no").stdout  # fmt: skip
    assert out == "hello\nno\n"
    out = mini(*QUIET, "--mount", "type=tmpfs,destination=/t,tmpfs-size=1m,tmpfs-mode=0700", "base",
               "sh", "-c", "stat -c %a /t; grep ' /t ' /proc/self/mountinfo").stdout  # fmt: skip
    assert out.startswith("700\n") and "noexec" in out and "size=1024k" in out
    out = mini(*QUIET, "--mount", "target=/data,volume-label=a=b,source=labelled,volume-driver=local",
               "base", "stat", "-c", "%a", "/data").stdout  # fmt: skip
    assert out == "755\n"
    assert json.loads(mini("volume", "inspect", "labelled").stdout)[0]["Labels"] == {"a": "b"}


def test_what_is_mounted_below_a_bound_directory(mini: Callable, tmp_path: Path) -> None:
    """bind-recursive: all of it, nothing below, or below writable though the rest is not."""
    (tmp_path / "src/below").mkdir(parents=True)

    def look(more: str) -> str:
        script = ("touch /data/x 2>/dev/null && echo top; touch /data/below/x 2>/dev/null && echo below;"
                  "ls /data/below")  # fmt: skip
        line = [*command_of(mini), *QUIET, "--mount", f"type=bind,src={tmp_path}/src,dst=/data{more}", "base",
                "sh", "-c", script]  # fmt: skip
        mount = f"mount -t tmpfs none {tmp_path}/src/below && touch {tmp_path}/src/below/here && exec \"$@\""
        done = subprocess.run(["unshare", "--mount", "sh", "-c", mount, "sh", *line], text=True,
                              capture_output=True, timeout=60, env=command_env(mini))  # fmt: skip
        return " ".join(done.stdout.split())

    assert look("") == "top below here x"
    assert look(",ro") == "here"
    assert look(",ro,bind-recursive=writable") == "below here x"
    assert look(",bind-recursive=disabled") == "top below x"
    (tmp_path / "src/below/x").unlink()
    assert look(",bind-nonrecursive,ro") == ""


def command_of(mini: Callable) -> list[str]:
    return next(c.cell_contents for c in mini.__closure__ if isinstance(c.cell_contents, list))


def command_env(mini: Callable) -> dict[str, str]:
    own = next(c.cell_contents for c in mini.__closure__ if isinstance(c.cell_contents, Path))
    return {**os.environ, "MINIDOCKER_ROOT": str(own)}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-v", "x:/data"], "volume name is too short"),
        (["-v", "a/b:/data"], "includes invalid characters for a local volume name"),
        (["-v", "/tmp:data"], "mount path must be absolute"),
        (["-v", "/tmp:/data:what"], "invalid mode: what"),
        (["-v", "/tmp:/data:shared"], "every mount is private"),
        (["-v", ":/data"], "empty section between colons"),
        (["-v", "/tmp:/"], "destination can't be '/'"),
        (["-v", "/tmp:/data", "-v", "notes:/data/"], "Duplicate mount point: /data"),
        (["--mount", "type=tmpfs,target=/data", "--tmpfs", "/data"], "Duplicate mount point: /data"),
        (["--mount", "type=bind,source=/tmp"], "target is required"),
        (["--mount", "type=bind,target=/data"], "field Source must not be empty"),
        (["--mount", "type=what,target=/data"], "mount type unknown"),
        (["--mount", "type=image,source=base,target=/data"], "type=image is refused"),
        (["--mount", "type=bind,source=/tmp,target=/data,colour=red"], "unexpected key 'colour'"),
        (["--mount", "type=bind,source=/tmp,target"], "must be a key=value pair"),
        (["--mount", "type=bind,source=/tmp,target=/d,volume-nocopy"], "cannot mix 'volume-*' options"),
        (["--mount", "source=notes,target=/d,volume-opt=type=nfs"], "volume-opt is refused"),
        (["--mount", "type=tmpfs,target=/d,tmpfs-mode=9"], "invalid value for tmpfs-mode"),
        (["--mount", 'type=bind,"source=/tmp,target=/d'], "a quote that does not end"),
        (["--tmpfs", "/d:colour"], 'invalid tmpfs option ["colour"]'),
        (["--tmpfs", "/d:dev"], "device nodes that somebody makes there would work"),
        (["--volumes-from", "nobody"], "No such container: nobody"),
        (["--volume-driver", "nfs"], "--volume-driver nfs is refused"),
    ],
)  # fmt: skip
def test_refusals(minidocker: Callable, words: list[str], said: str, host_unchanged: None) -> None:
    done = minidocker("run", "--rm", "--network", "none", *words, "base", "true")
    assert done.returncode == 125, done
    assert said in done.stderr and "Traceback" not in done.stderr, done.stderr


def test_a_tmpfs_executes_nothing_unless_asked(minidocker: Callable) -> None:
    script = "cp /bin/busybox /t/echo && /t/echo works"
    done = minidocker(*QUIET, "--tmpfs", "/t", "base", "sh", "-c", script)
    assert done.returncode == 126 and "Permission denied" in done.stderr
    done = minidocker(*QUIET, "--tmpfs", "/t:exec,size=8m", "base", "sh", "-c", script)
    assert done.stdout == "works\n"
    done = minidocker(*QUIET, "--tmpfs", "/t:ro", "base", "touch", "/t/x")
    assert "Read-only" in done.stderr


def test_volumes_from(mini: Callable, full: str, tmp_path: Path) -> None:
    (tmp_path / "host").mkdir()
    mini("run", "--network", "none", "--name", "first", "-v", "/data", "-v", f"{tmp_path}/host:/host", full, "true")
    [name] = names(mini)
    out = mini(*QUIET, "--volumes-from", "first", "base", "sh", "-c", "cat /data/link; echo in > /host/x").stdout
    assert out == "one\n" and (tmp_path / "host/x").read_text() == "in\n"
    done = mini(*QUIET, "--volumes-from", "first:ro", "base", "touch", "/host/y", status=1)
    assert "Read-only" in done.stderr
    out = mini(*QUIET, "--volumes-from", "first", "-v", "other:/data", "base", "ls", "-A", "/data").stdout
    assert out == ""  # what is said here goes first
    assert name in names(mini)  # the other's volume did not go with our --rm


def test_an_image_declares_volumes(mini: Callable, full: str, tmp_path: Path) -> None:
    mini("run", "--network", "none", "--name", "making", full, "true")
    mini("commit", "making", "declared", "-c", "VOLUME /data", "-c", "EXPOSE 80", "-c", "STOPSIGNAL SIGINT",
         "-c", "LABEL of=image")  # fmt: skip
    mini("rm", "making")
    mini("run", "--network", "none", "--name", "box", "-l", "of=us", "-l", "more", "declared", "sh", "-c",
         "cat /data/link; grep -c ' /data ' /proc/self/mountinfo")  # fmt: skip
    [name] = names(mini)
    record = json.loads((tmp_path / "store/containers/names/box/record.json").read_text())["spec"]
    assert record["mounts"][0]["volume"] == name
    assert record["stop_signal"] == signal.SIGINT and record["labels"]["of"] == "us"
    assert record["labels"]["more"] == "" and len(record["labels"]) == 4
    mini("rm", "-v", "box")
    assert mini(*QUIET, "-v", "mine:/data", "declared", "cat", "/data/link").stdout == "one\n"
    assert names(mini) == ["mine"]


def test_what_an_image_declares_is_a_path_and_no_word_of_ours(mini: Callable, full: str, tmp_path: Path) -> None:
    """An image may ask for an empty volume, and never for a directory of the host, or another's volume."""
    (tmp_path / "host").mkdir()
    (tmp_path / "host/secret").write_text("secret")
    mini("volume", "create", "others")
    mini("run", "--network", "none", "--name", "making", full, "true")
    for number, source in enumerate((tmp_path / "host", "/others")):
        mini("commit", "making", f"evil{number}", "-c", f"VOLUME {source}:/taken:rw")
        run = mini(*QUIET, f"evil{number}", "sh", "-c", f"ls -A {source}:/taken:rw; cat /taken/*; touch /taken/x",
                   status=1)  # fmt: skip
        assert "secret" not in run.stdout and "/taken" in run.stderr
    mini("commit", "making", "evil", "-c", "VOLUME others:/taken")
    assert "must be absolute" in mini(*QUIET, "evil", "true", status=125).stderr
    assert os.listdir(tmp_path / "host") == ["secret"] and names(mini) == ["others"]


def test_two_that_come_first_at_once(mini: Callable, full: str, store: Path, command: list[str]) -> None:
    env = {**os.environ, "MINIDOCKER_ROOT": str(store)}
    line = [*command, *QUIET, "-v", "both:/data", full, "sh", "-c", "cat /data/link /data/tool"]
    begun = [subprocess.Popen(line, env=env, stdout=subprocess.PIPE, text=True) for _ in range(6)]
    assert [one.communicate(timeout=60)[0] for one in begun] == ["one\ntool\n"] * 6


def test_a_link_in_a_volume_leads_the_copy_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has an empty volume already may put a link where the copy would make a directory."""
    from minidocker.kernel import copying

    (tmp_path / "image/sub").mkdir(parents=True)
    (tmp_path / "image/sub/file").write_text("mine\n")
    (tmp_path / "target").mkdir()
    (tmp_path / "volume").mkdir()
    real = os.mkdir

    def racing(name: str, *args: object, **more: object) -> None:
        os.symlink(str(tmp_path / "target"), name, dir_fd=more["dir_fd"])
        real(name, *args, **more)

    monkeypatch.setattr(copying.os, "mkdir", racing)
    with pytest.raises(FileExistsError):
        copying.fill(str(tmp_path / "image"), str(tmp_path / "volume"))
    assert not list((tmp_path / "target").iterdir())


def test_a_volume_that_was_filled_by_half_is_filled_anew(
    mini: Callable, full: str, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk or a kill may end the copy anywhere; what a container has put there is kept."""
    from minidocker.kernel import copying

    mini("volume", "create", "half")
    data = store / "volumes/half/_data"
    (tmp_path / "image/deep/deeper").mkdir(parents=True)
    for name in ("a", copying.FILLING, "deep/b", "deep/deeper/c"):
        (tmp_path / "image" / name).write_text("from an image\n")
    monkeypatch.setattr(copying, "_alike", lambda old, new: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        copying.fill(str(tmp_path / "image"), str(data))
    monkeypatch.undo()
    assert copying.FILLING in os.listdir(data)
    look = [*QUIET, "-v", "half:/data", full, "sh", "-c", "ls -A /data; cat /data/link; rm /data/same"]
    assert mini(*look).stdout.split() == ["link", "out", "same", "sub", "tool", "one"]
    assert mini(*look, status=1).stdout.split() == ["link", "out", "sub", "tool", "one"]


def test_a_volume_of_other_ids_is_told_of(mini: Callable, store: Path) -> None:
    """One that was filled by another range, or by root: its files would silently be nobody's."""
    look = ["-v", "old:/data", "base", "sh", "-c", "stat -c %u /data; mkdir /data/x && rmdir /data/x"]
    mini("volume", "create", "old")
    assert mini(*QUIET, "--userns", "private", *look).stdout == "0\n"  # an empty one is given away
    (store / "volumes/old/_data/kept").touch()
    os.chown(store / "volumes/old/_data", 0, 0)
    done = mini(*QUIET, "--userns", "private", *look, status=1)
    assert done.stdout == "65534\n" and "the volume old belongs to user 0 of the host" in done.stderr
    assert "leave --userns private out" in done.stderr
    assert "warning" not in mini(*QUIET, *look).stderr
    os.chown(store / "volumes/old/_data", 100000, 100000)
    done = mini(*QUIET, "--userns", "private", *look, status=1)
    assert "belongs to user 100000 of the host" in done.stderr
    remedy = re.search(r"--uidmap (\S+)", done.stderr)[1]
    done = mini(*QUIET, "--uidmap", remedy, *look)
    assert done.stdout == "0\n" and "warning" not in done.stderr


def test_a_volume_that_cannot_be_filled_says_which_call_it_was(
    mini: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from minidocker.errors import KernelError
    from minidocker.kernel import copying
    from minidocker.kernel.linux import Linux

    for name in ("image", "volume"):
        (tmp_path / name).mkdir()
    (tmp_path / "image/tool").write_text("x")

    def full_disk(*args: object) -> int:
        raise KernelError("write(2)", errno.ENOSPC)

    monkeypatch.setattr(copying.os, "write", full_disk)
    with pytest.raises(KernelError, match=r"^write\(2\) \(while .*/volume was filled\): ENOSPC"):
        Linux().fill_directory(str(tmp_path / "image"), str(tmp_path / "volume"))
    done = mini(*QUIET, "-v", "new:/bin/busybox", "base", "true", status=125)
    assert "open(2) on " in done.stderr and "ENOTDIR" in done.stderr and "a volume is a directory" in done.stderr


def test_no_tree_is_too_deep_for_a_traceback(mini: Callable, full: str, store: Path, tmp_path: Path) -> None:
    """A container may leave any tree in a volume, and the word that a copy was cut off."""
    from minidocker.kernel import copying
    from minidocker.kernel.linux import Linux

    def dig(top: Path, depth: int) -> None:
        here = os.open(top, os.O_RDONLY)
        for _ in range(depth):
            os.mkdir("d", dir_fd=here)
            inner = os.open("d", os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = inner
        os.close(here)

    for name in ("data", "proc", "sys", "dev"):
        (tmp_path / "root" / name).mkdir(parents=True)
    dig(tmp_path / "root/data", 700)
    mini("volume", "create", "deep")
    data = store / "volumes/deep/_data"
    dig(data, 1500)
    (data / copying.FILLING).touch()
    done = mini(*QUIET, "-v", "deep:/data", "--rootfs", str(tmp_path / "root"), "sh", status=125)
    assert "more than 256 directories" in done.stderr and "Traceback" not in done.stderr
    run = [*QUIET, "-v", "deep:/data", full, "cat", "/data/link"]
    assert mini(*run).stdout == "one\n" and copying.FILLING not in os.listdir(data)
    (data / copying.FILLING).mkdir()  # a directory of that name is a container's own
    assert mini(*run).stdout == "one\n" and copying.FILLING in os.listdir(data)
    Linux().remove_tree(str(tmp_path / "root"))  # too deep for pytest's own way


def test_a_volume_that_was_removed_by_half_is_none(mini: Callable, store: Path) -> None:
    """remove_tree may be killed anywhere; the first step takes the name away."""
    from minidocker.kernel.linux import Linux
    from minidocker.volumes.store import Volumes

    mini("volume", "create", "going")
    mini("volume", "create", "staying")
    volumes = Volumes(Linux(), str(store))
    volumes.kernel.remove_tree = lambda path: None  # killed before it has begun
    volumes.remove("going")
    (store / "volumes/begun").mkdir()  # `create` was killed before it made _data
    assert names(mini) == ["staying"]
    assert mini("prune").stdout.count("what was left of a volume") == 2
    assert sorted(os.listdir(store / "volumes")) == ["lock", "staying"]


def test_ids_of_its_own(mini: Callable, full: str) -> None:
    """--userns private: the volume is its root's, and the way to it stays closed to that user."""
    out = mini(*QUIET, "--userns", "private", "-v", "mapped:/data", full, "sh", "-c", LOOK).stdout
    assert "/data directory 750 5:6" in out and "one\n" in out
    out = mini(*QUIET, "--userns", "private", "-v", "mapped:/data", full, "sh", "-c", "echo x > /data/sub/new; cat /data/sub/new")
    assert out.stdout == "x\n"


def test_the_verbs(mini: Callable) -> None:
    assert mini("volume", "create", "shop", "--label", "a=b").stdout == "shop\n"
    assert mini("volume", "create", "shop").stdout == "shop\n"
    name = mini("volume", "create").stdout.strip()
    assert len(name) == 64 and sorted(names(mini)) == sorted(["shop", name])
    assert mini("volume", "ls").stdout.splitlines()[0] == "DRIVER    VOLUME NAME"
    found = json.loads(mini("volume", "inspect", "shop").stdout)[0]
    assert found["Name"] == "shop" and found["Labels"] == {"a": "b"} and os.path.isdir(found["Mountpoint"])
    assert "get nope: no such volume" in mini("volume", "rm", "nope", status=1).stderr
    assert mini("volume", "rm", "-f", "nope", "shop").stdout == "nope\nshop\n"  # as in Docker
    assert mini("volume", "prune").stdout.startswith(f"Deleted Volumes:\n{name}\n\n")
    mini("volume", "create", "shop")
    assert names(mini) == ["shop"] and "shop" not in mini("volume", "prune").stdout
    assert mini("volume", "prune", "--all").stdout == "Deleted Volumes:\nshop\n\nTotal reclaimed space: 0B\n"
    assert "volume" in mini("volume", "create", "../x", status=1).stderr
    assert mini("volume", "rm", status=1)
    assert "--opt size=1g is refused: " in mini("volume", "create", "-o", "size=1g", status=125).stderr
    assert "both --name and as a" in mini("volume", "create", "--name", "one", "two", status=1).stderr
    assert mini("volume", "create", "--name", "one").stdout == "one\n" and names(mini) == ["one"]


def test_one_that_cannot_go_keeps_no_other_one(mini: Callable) -> None:
    mini("volume", "create", "one")
    mini("volume", "create", "two")
    done = mini("volume", "remove", "gone", "one", "lost", "two", status=1)
    assert done.stdout == "one\ntwo\n" and done.stderr.count("no such volume") == 2


def test_filters_of_lists_and_of_prune(mini: Callable, full: str) -> None:
    for name, *labels in (("shop", "a=b", "c"), ("shed", "a=x"), ("ship", "c"), ("barn",)):
        mini("volume", "create", name, *(f"--label={label}" for label in labels))
    mini("run", "--network", "none", "--name", "user", "-v", "barn:/data", "base", "true")

    def listed(*words: str) -> str:
        return " ".join(mini("volume", "list", "-q", *words).stdout.split())

    assert listed("-f", "label=a") == "shed shop" and listed("--filter", "label=a=b") == "shop"
    assert listed("-f", "label=a", "-f", "label=c") == "shop"  # both
    assert listed("-f", "name=sho", "-f", "name=^b") == "barn shop"  # either
    assert listed("-f", "dangling=true") == "shed ship shop" and listed("-f", "dangling=0") == "barn"
    assert listed("-f", "driver=local", "-f", "") == "barn shed ship shop" and listed("-f", "driver=x") == ""
    assert "bad format of filter" in mini("volume", "ls", "-f", "x", status=125).stderr
    assert "invalid filter 'x'" in mini("volume", "ls", "-f", "x=1", status=1).stderr
    assert "invalid filter 'dangling=x'" in mini("volume", "ls", "-f", "dangling=x", status=1).stderr
    assert mini("volume", "ls", "--format", '{{.Name}}={{.Label "a"}}', "-f", "name=sh").stdout == "shed=x\nship=\nshop=b\n"
    # prune: barn is in use, and without --all (Docker's other word for it: a filter) none is anonymous
    assert "Deleted" not in mini("volume", "prune", "--filter", "label=a").stdout
    assert "invalid filter 'name'" in mini("volume", "prune", "-a", "--filter", "name=shop", status=1).stderr
    assert names(mini) == ["barn", "shed", "ship", "shop"]
    mini("volume", "prune", "-a", "-f", "--filter", "label!=a=b", "--filter", "label!=c")
    assert names(mini) == ["barn", "ship", "shop"]
    mini("volume", "prune", "--filter", "all=true", "--filter", "label=c")
    assert names(mini) == ["barn"]
    mini("volume", "prune", "--all")
    assert names(mini) == ["barn"]


@pytest.fixture(scope="module", params=["subordinate ids", "one id"])
def account(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Account:
    return with_base(tmp_path_factory.mktemp("home"), request.param == "subordinate ids")


def test_an_ordinary_users_volume(account: Account) -> None:
    quiet = ("run", "--rm", "--network", "none")
    script = "mkdir /usr/own; echo x > /usr/own/file; ls /usr; stat -c %u:%g /usr"
    done = account(*quiet, "-v", "notes:/usr", "base", "sh", "-c", script)
    assert done.returncode == 0, done.stderr
    assert {"bin", "sbin", "own", "0:0"} <= set(done.stdout.split())
    if account.ranges:
        done = account(*quiet, "-v", "notes:/usr", "base", "chown", "33:33", "/usr/own/file")
        assert done.returncode == 0, done.stderr
        own = account.store / "volumes/notes/_data/own/file"
        assert own.stat().st_uid == FIRST + 32
    assert (account.store / "volumes/notes/_data/own").stat().st_uid == UID
    done = account(*quiet, "-v", "/usr", "base", "sh", "-c", "touch /usr/x && chown 33 /usr/x; ls /usr/x")
    assert done.stdout == "/usr/x\n", done.stderr
    assert account("volume", "ls", "-q").stdout.split() == ["notes"], account("volume", "ls").stderr
    done = account("volume", "rm", "notes")
    assert done.stdout == "notes\n", done.stderr
    assert not (account.store / "volumes/notes").exists()
