"""`minidocker tag`: one more name for an image."""

from __future__ import annotations

from minidocker.images.store import additions, carry
from minidocker.images.store.store import Store
from minidocker.runtime import happened
from minidocker.verbs.guarded import guarded
from minidocker.verbs.parser import make

AFTER = """\
examples:
  minidocker tag debian localhost:5000/lab/debian:mine
  minidocker tag 69eb1b918404 tiny:1

Nothing is copied: a name is a link. A name that stands for another image is moved.
"""


def main(argv: list[str]) -> int:
    """Give an image a name; return the exit status."""
    parser = make("tag", "Give an image one more name.", AFTER)
    parser.add_argument("image", metavar="IMAGE", help="a name, or the beginning of an id")
    parser.add_argument("name", metavar="NAME[:TAG]", help="the new name")
    args = parser.parse_args(argv)

    def work() -> int:
        store = Store()
        carry.ready(store)
        additions.tag(store, args.image, args.name)
        image = store.resolve(args.name)
        happened.tell_of("image", store.root, "tag", image.id, name=image.name)
        return 0

    return guarded(work)
