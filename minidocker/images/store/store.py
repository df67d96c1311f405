"""Where images and layers lie on disk, and the quick way from a name to an image.

    ROOT/lock                              flock: shared to use an image, exclusive to change
    ROOT/oci-layout, ROOT/index.json       the store as an OCI image layout: see `layout`
    ROOT/blobs/sha256/HEX                  manifests, configurations, packed layers, as they came
    ROOT/layers/sha256/HEX/fs/             a layer, unpacked; HEX is the sha256 of its plain tar
    ROOT/layers/sha256/HEX/layer.json      sizes and counts of the layer
    ROOT/images/sha256/ID/lean             the image for the hot path: see `lean`
    ROOT/images/sha256/ID/MANIFEST         a link to ".", for each manifest that it came under
    ROOT/images/names/debian:latest        a link to ../sha256/ID/MANIFEST; "%" stands for "/"
    ROOT/partial/…                         work that is not finished, or is being thrown away
    ROOT/containers/ID/record.json         written by the runtime; "image" names what it uses

ID is the digest of an image's configuration. Every `minidocker run` loads this file, so it and
what it imports need nothing but os and sys: json alone costs 6 ms. What comes into the store is in
`additions`, what goes in `changes`, and what it holds in `catalogue`.
"""

from __future__ import annotations

import os
from errno import ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR

from minidocker.errors import Blocked, NoImage, NotFound
from minidocker.images.store.hold import Hold, listing, not_allowed
from minidocker.images.store.image import HEX, Image, as_file, parse_lean, read, with_tag
from minidocker.places import default_root
from minidocker.proc.lean import stranger

BASE = "base"
LIST = "minidocker image ls"


def refuse_strangers(root: str) -> None:
    """Refuse a store that another user can change: its records say what is killed and removed."""
    if why := stranger(root):
        owner = why.rpartition(" ")[2]
        own = f"sudo -u '#{owner}' minidocker …   or " if owner.isdecimal() else ""
        raise Blocked(
            f"the store {root} {why}, and could make us do anything",
            f"{own}another MINIDOCKER_ROOT",
        )


class Store:
    """The images and layers under one root directory; making a Store touches nothing."""

    __slots__ = ("root",)

    def __init__(self, root: str | None = None) -> None:
        self.root = os.path.abspath(root) if root else default_root()
        if not root:
            refuse_strangers(self.root)

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
        except ValueError:  # a NUL in it
            full, text = self._by_id(name)
        except OSError as problem:
            if problem.errno not in (ENOENT, ENOTDIR, ENAMETOOLONG, ELOOP):
                raise  # it may be there
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
        from minidocker.images.store import other_names

        if other := other_names.find(self.root, name):
            return other
        base = with_tag(name) == BASE + ":latest"
        if base:  # ours alone: a stranger's image of that name at Docker Hub is no base of ours
            raise NotFound(f"there is no image {name}", "minidocker image build-base")
        raise NoImage(name, LIST)

    def hold(self) -> Hold:
        """Hold the store still: `with store.hold():` around resolve and writing the record.

        Others may hold it too; who removes images waits. Keep it short.
        """
        return Hold(self.root, exclusive=False)
