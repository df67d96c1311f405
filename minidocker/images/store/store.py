"""Where images and layers lie on disk, and the quick way from a name to an image.

    ROOT/lock                              flock: shared to use an image, exclusive to change
    ROOT/layers/sha256/HEX/fs/             a layer, unpacked; HEX is the sha256 of its plain tar
    ROOT/layers/sha256/HEX/layer.json      sizes and counts of the layer
    ROOT/images/sha256/HEX/config.json     OCI image configuration; HEX is the sha256 of this file
    ROOT/images/sha256/HEX/manifest.json   OCI manifest
    ROOT/images/sha256/HEX/lean            the same for the hot path: see `lean`
    ROOT/images/names/debian:latest        a symbolic link to ../sha256/HEX; "%" stands for "/"
    ROOT/partial/…                         work that is not finished, or is being thrown away
    ROOT/containers/ID/record.json         written by the runtime; "image" names what it uses

Every `minidocker run` loads this file, so it imports nothing but os and sys: json alone costs 6 ms.
What changes the store is in `changes`; the methods here that need it load it when called.
"""

from __future__ import annotations

import os
import sys

from minidocker.errors import Blocked, MinidockerError, NotFound

TYPE_CHECKING = False  # type checkers read this name as True; importing typing costs 5 ms a start
if TYPE_CHECKING:
    from typing import Any

    from minidocker.images.store.changes import Removed

SYSTEM_ROOT = "/var/lib/minidocker"
BASE = "base"
LISTS = ("Env", "Cmd", "Entrypoint")  # of the configuration: these are lists of strings,
STRINGS = ("WorkingDir", "User")  # and these are strings
HEX = "0123456789abcdef"


def default_root() -> str:
    """Return the store's directory: $MINIDOCKER_ROOT, else root's own or the user's own place.

    Root has /var/lib/minidocker; others have $XDG_DATA_HOME/minidocker (XDG base directories).
    """
    if given := os.environ.get("MINIDOCKER_ROOT"):
        return os.path.abspath(given)
    if os.geteuid() == 0:
        return SYSTEM_ROOT
    home = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
    return os.path.join(home, "minidocker")


class Image:
    """What a container starts from: `layers` are absolute directories, bottom first.

    `config` has Env, Cmd and Entrypoint (lists), WorkingDir and User (strings), as in the OCI
    image specification; `id` is "sha256:" and the digest of the whole configuration.
    """

    __slots__ = ("config", "id", "layers", "name")

    def __init__(self, id: str, name: str, layers: list[str], config: dict[str, Any]) -> None:
        self.id = id
        self.name = name
        self.layers = layers
        self.config = config

    def __repr__(self) -> str:
        return f"Image({self.name!r}, {self.id[:19]!r}, {len(self.layers)} layers)"


class Store:
    """The images and layers under one root directory; making a Store touches nothing."""

    __slots__ = ("root",)

    def __init__(self, root: str | None = None) -> None:
        self.root = os.path.abspath(root) if root else default_root()

    def path(self, *parts: str) -> str:
        """Return an absolute path in the store: path("layers", "sha256")."""
        return os.path.join(self.root, *parts)

    def resolve(self, name: str) -> Image:
        """Return the image of this name (`debian` is `debian:latest`), id, or beginning of an id.

        One open and one read. Raises NotFound with a remedy, UsageError for what is no name.
        """
        full = with_tag(name)
        try:
            text = read(self.path("images", "names", as_file(full), "lean"))
        except PermissionError:
            raise not_allowed(self.root) from None
        except (OSError, ValueError):  # no such name; or a NUL in it, or longer than a file name
            full, text = self._by_id(name)
        image = parse_lean(text, full, self.path("layers", "sha256"))
        if not image.layers or not image.id:  # an empty file: the machine lost its power, say
            raise Blocked(f"the image {name} is damaged", f"minidocker image rm {name}")
        return image

    def _by_id(self, name: str) -> tuple[str, str]:
        """Return (name to show, lean text) of the one image whose id begins so, or raise."""
        start = name.removeprefix("sha256:")
        if len(start) >= 4 and not start.strip(HEX):
            folder = self.path("images", "sha256")
            found = [h for h in listing(folder) if h.startswith(start)]
            if len(found) == 1:
                return "sha256:" + found[0][:12], read(os.path.join(folder, found[0], "lean"))
            if found:
                raise NotFound(f"{len(found)} images have ids that begin with {start}", LIST)
        from minidocker.images.store import names  # `re` is loaded only for the words of an error

        names.check(name)
        base = with_tag(name) == BASE + ":latest"
        remedy = "minidocker image build-base" if base else LIST
        raise NotFound(f"there is no image {name}", remedy)

    def hold(self) -> Hold:
        """Hold the store still: `with store.hold():` around resolve and writing the record.

        Others may hold it too; who removes images waits. Keep it short.
        """
        return Hold(self, exclusive=False)

    def check(self) -> None:
        """Make the root directory if need be; refuse, as Blocked, one that overlay cannot use.

        As root this tries a real overlay mount, in a child with a mount namespace of its own.
        """
        from minidocker.images.store import overlay_check

        overlay_check.check(self)

    def prune(self) -> list[Removed]:
        """Remove what dead imports left, images without a name, and layers that nobody uses."""
        from minidocker.images.store import changes

        return changes.prune(self)


class Hold:
    """A lock on the store (flock(2) on ROOT/lock), shared or exclusive, for a `with` statement."""

    __slots__ = ("exclusive", "fd", "store")

    def __init__(self, store: Store, exclusive: bool) -> None:
        self.store = store
        self.exclusive = exclusive
        self.fd = -1

    def __enter__(self) -> Hold:
        import fcntl

        try:
            os.makedirs(self.store.root, 0o711, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            self.fd = os.open(self.store.path("lock"), flags, 0o600)
        except PermissionError:
            raise not_allowed(self.store.root) from None
        except OSError as problem:
            why = f"the store {self.store.root} cannot be used: {problem.strerror}"
            raise Blocked(why, "set MINIDOCKER_ROOT to a directory on a local disk") from None
        fcntl.flock(self.fd, fcntl.LOCK_EX if self.exclusive else fcntl.LOCK_SH)
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.fd)  # closing gives the lock back


LIST = "minidocker image ls"


def with_tag(name: str) -> str:
    """Add the tag if there is none: "debian" → "debian:latest", "h:5000/x" → "h:5000/x:latest"."""
    return name if ":" in name[name.rfind("/") + 1 :] else name + ":latest"


def as_file(full: str) -> str:
    """Return the file name under images/names: "%" is in no name, so the way back is sure."""
    return full.replace("/", "%")


def lean(id: str, hexes: list[str], config: dict[str, Any]) -> str:
    """Write an image for the hot path: KEY=VALUE pairs, each ended by NUL, as in /proc/PID/environ.

    Neither an argument, a variable nor a path can hold a NUL, so nothing needs quoting. Lists
    repeat their key. Read it with: tr '\\0' '\\n' < lean
    """
    pairs = [("id", id)] + [("layer", h) for h in hexes]
    pairs += [(key, value) for key in LISTS for value in config.get(key) or []]
    pairs += [(key, config[key]) for key in STRINGS if config.get(key)]
    return "".join(f"{key}={value}\0" for key, value in pairs)


def parse_lean(text: str, name: str, layers: str) -> Image:
    """Read what `lean` wrote; `layers` is the directory of all layers."""
    image = Image("", name, [], {key: [] for key in LISTS} | dict.fromkeys(STRINGS, ""))
    for pair in text.split("\0")[:-1]:
        key, _, value = pair.partition("=")
        if key == "layer":
            image.layers.append(f"{layers}/{value}/fs")
        elif key in LISTS:
            image.config[key].append(value)
        elif key in STRINGS:
            image.config[key] = value
        else:
            image.id = value
    return image


def read(path: str) -> str:
    """Read a whole small file; other bytes than UTF-8 survive as surrogates."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        data = os.read(fd, 65536)
        while len(data) % 65536 == 0 and (more := os.read(fd, 65536)):
            data += more
    finally:
        os.close(fd)
    return data.decode("utf-8", "surrogateescape")


def listing(folder: str) -> list[str]:
    """Return the sorted names in a directory; none where there is no such directory."""
    try:
        return sorted(os.listdir(folder))
    except FileNotFoundError:
        return []
    except PermissionError:
        raise not_allowed(folder) from None


def not_allowed(path: str) -> MinidockerError:
    """Return the error for a store that belongs to somebody else."""
    again = " ".join(["sudo minidocker", *sys.argv[1:]])
    return Blocked(f"you may not use the store {path}: permission denied", again)
