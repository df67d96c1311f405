"""From the words of -v, --mount and --tmpfs to a Mount, by Docker's rules."""

from __future__ import annotations

import os
import stat

from minidocker.errors import NotFound, UsageError
from minidocker.kernel.flags import (
    MS_NOATIME,
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    MS_RDONLY,
    MS_RELATIME,
)
from minidocker.spec.spec import Mount
from minidocker.spec.words import is_root

NO_NAME = (
    'includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are '
    "allowed. If you intended to pass a host directory, use absolute path"
)
# Words of -v's last part that change nothing here: what is so, and hints for other systems.
IDLE = ("rw", "consistent", "cached", "delegated", "private", "rprivate")
SHARED = ("shared", "rshared", "slave", "rslave", "unbindable", "runbindable")
SELINUX = "/sys/fs/selinux/enforce"  # is there where SELinux is at work. selinux(8)
LABELS = "it would give the host's files another label of SELinux, and we change no file there"
PROPAGATION = "what is mounted later, on either side, stays on its side: every mount is private"
KINDS = (("ro", "rw"), ("private", "rprivate", *SHARED), ("z", "Z"), ("nocopy",))  # one of each
# word of --tmpfs → (flags that it sets, flags that it clears)
TMPFS_FLAGS = {
    "ro": (MS_RDONLY, 0), "rw": (0, MS_RDONLY), "exec": (0, MS_NOEXEC), "noexec": (MS_NOEXEC, 0),
    "suid": (0, MS_NOSUID), "nosuid": (MS_NOSUID, 0), "nodev": (MS_NODEV, 0), "defaults": (0, 0),
    "noatime": (MS_NOATIME, MS_RELATIME), "relatime": (MS_RELATIME, MS_NOATIME),
    "async": (0, 0),
}  # fmt: skip
# its words with a value → what the kernel takes there. tmpfs(5)
TMPFS_DATA = {
    "size": r"\d+[kmgKMG]?|\d{1,3}%", "nr_blocks": r"\d+[kmgKMG]?", "nr_inodes": r"\d+[kmgKMG]?",
    "mode": "[0-7]{1,5}", "uid": r"\d{1,10}", "gid": r"\d{1,10}", "huge": "[a-z_]+", "mpol": ".+",
}  # fmt: skip


def parse_volume(text: str, touch: bool = True) -> Mount:
    """Read -v [SRC:]DST[:MODE]: a path of the host, a volume's name, or a new volume.

    A path that is not there is made when the run begins. `touch` False looks at no file.
    """
    parts = text.split(":")
    if not text:
        raise wrong(text, "invalid empty volume spec")
    if not all(parts) or len(parts) > 3:
        raise wrong(text, f"invalid spec: {text}: " + (
            "too many colons" if all(parts) else "empty section between colons"))  # fmt: skip
    if len(parts) == 1:
        return new_volume(parts[0], text)
    destination = place_for(parts[1], text)
    mount = source_of(parts[0])
    mount.destination = destination
    words = parts[2].split(",") if len(parts) == 3 else []
    if any(sum(word in kind for word in words) > 1 for kind in KINDS):
        raise wrong(text, f"invalid mode: {parts[2]}")
    for word in words:
        if word in SHARED:
            raise UsageError(f"-v {text}: {word} is refused: {PROPAGATION}", "leave it out")
        if word in ("z", "Z"):
            refuse_labels(f"-v {text}: {word}")
        elif word == "nocopy" and mount.volume:
            mount.fill = False
        elif word == "ro":
            mount.readonly = True
        elif word not in IDLE:
            raise wrong(text, f"invalid mode: {parts[2]}")
    look_at_source(mount, f"-v {text}", touch, make=True)
    return mount


def refuse_labels(what: str) -> None:
    """Refuse z and Z where SELinux labels files; elsewhere they change nothing, as in Docker."""
    if os.path.exists(SELINUX):
        raise UsageError(f"{what} is refused: {LABELS}", "leave it out")


def new_volume(path: str, text: str) -> Mount:
    """Return a volume without a name, for this path inside."""
    return Mount(
        destination=place_for(path, text), type="bind", options="dir", fill=True,
        volume=os.urandom(32).hex(), anonymous=True, readonly=False,
    )  # fmt: skip


def wrong(text: str, docker: str) -> UsageError:
    """Say what -v takes."""
    return UsageError(
        f"-v {text!r} is not SRC:DST or SRC:DST:ro",
        'such as -v "$PWD/data:/data:ro"   or   -v notes:/data', docker=docker,
    )  # fmt: skip


def place_for(path: str, text: str) -> str:
    """Check where it is mounted: an absolute path, and not the root."""
    if not path.startswith("/"):
        raise wrong(text, f"invalid mount path: '{path}' mount path must be absolute")
    if is_root(path):
        raise wrong(text, f"invalid specification: destination can't be '{path}'")
    return path


def source_of(source: str) -> Mount:
    """Say what is mounted: a path of the host ("/…", "./…"), or the volume of this name."""
    if source.startswith((".", "~/")) or source == "~":
        source = os.path.abspath(os.path.expanduser(source))
    if not source.startswith("/"):
        return Mount(type="bind", options="dir", volume=volume_name(source), fill=True,
                     anonymous=False, readonly=False)  # fmt: skip
    return Mount(source=source, type="bind", options="dir", readonly=False)


def look_at_source(mount: Mount, said: str, touch: bool, make: bool = False) -> None:
    """See that a path of the host is there, or may be made, and whether it is a directory."""
    if mount.volume or not touch:
        return
    try:
        mode = os.stat(mount.source).st_mode
    except (FileNotFoundError, NotADirectoryError) as problem:
        if make and isinstance(problem, FileNotFoundError) and not leads_nowhere(mount.source):
            mount.missing = True
            return
        raise NotFound(
            f"{said}: {mount.source} does not exist", f"mkdir -p {mount.source}",
            docker=f"bind source path does not exist: {mount.source}",
        ) from None
    except OSError as problem:
        raise UsageError(f"{said}: stat(2) on {mount.source}: {problem.strerror}") from None
    mount.options = "dir" if stat.S_ISDIR(mode) else "file"


def leads_nowhere(path: str) -> bool:
    """Say whether a link on the way leads to nothing: where it points, nobody has asked for."""
    while not os.path.lexists(path):
        path = os.path.dirname(path)
    return not os.path.exists(path)


def volume_name(name: str) -> str:
    """Check a volume's name."""
    good = name.isascii() and name[:1].isalnum() and all(c.isalnum() or c in "_.-" for c in name)
    if good and len(name) > 1:
        return name
    docker = (
        "volume name is too short, names should be at least two alphanumeric characters" if good
        else f'"{name}" {NO_NAME}'
    )  # fmt: skip
    raise UsageError(
        f"{name!r} is neither an absolute path nor a volume's name",
        f"a path: ./{name}   a name: two letters, digits, _ . - or more", docker=docker,
    )  # fmt: skip


def parse_tmpfs(text: str, option: str) -> Mount:
    """Read --tmpfs DESTINATION[:OPTIONS]; without a word against it noexec, nosuid and nodev."""
    destination, _, words = text.partition(":")
    if not destination.startswith("/") or is_root(destination):
        words = f"invalid mount path: '{destination}' mount path must be absolute"
        if destination.startswith("/"):
            words = f"invalid specification: destination can't be '{destination}'"
        raise UsageError(
            f"{option} {text!r} needs an absolute path, and not the root",
            f"such as {option} /run:size=64m", docker=words,
        )  # fmt: skip
    flags, data = MS_NOEXEC | MS_NOSUID | MS_NODEV, []
    for word in words.split(",") if words else ():
        if word in TMPFS_FLAGS:
            sets, clears = TMPFS_FLAGS[word]
            flags = (flags | sets) & ~clears
        elif word == "dev":
            raise UsageError(
                f"{option} {text}: device nodes that somebody makes there would work",
                "--device shows a node of the host",
            )
        elif (key := word.partition("=")[0]) in TMPFS_DATA and "=" in word:
            import re

            if not re.fullmatch(TMPFS_DATA[key], word.partition("=")[2], re.ASCII):
                raise UsageError(
                    f"{option} {text}: {word!r} is nothing that a tmpfs takes",
                    f"such as {option} {destination}:size=64m,mode=1777",
                )
            data.append(word)
        else:
            raise UsageError(
                f"{option} {text}: {word!r} is no option of a tmpfs",
                f"such as {option} {destination}:size=64m,mode=1777,exec",
                docker=f'invalid tmpfs option ["{word}"]',
            )  # fmt: skip
    return Mount(source="tmpfs", destination=destination, type="tmpfs", options=",".join(data),
                 flags=flags, readonly=bool(flags & MS_RDONLY))  # fmt: skip
