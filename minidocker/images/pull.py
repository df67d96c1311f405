"""Pull: a name at a registry becomes an image in the store.

    name ─► index ─► the manifest for this machine ─► configuration ─► layers (see `arrival`)
     └► signatures, with --verify: nothing of an image comes before one is right
"""

from __future__ import annotations

import hashlib
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from minidocker.errors import Blocked, UsageError
from minidocker.images import asked, signed
from minidocker.images.arrival import Arrival, Stop, is_here
from minidocker.images.registry.client import Client
from minidocker.images.registry.download import Downloads
from minidocker.images.store import carry, changes, documents, names, oci, overlay_check

if TYPE_CHECKING:
    from collections.abc import Callable

    from minidocker.images.archive.source import Progress
    from minidocker.images.store.image import Image
    from minidocker.images.store.store import Store


class Found(NamedTuple):
    """What a reference stands for: `first` are the bytes of its index, or of the manifest."""

    digest: str
    first: bytes
    hex: str
    manifest: bytes


class Pulled(NamedTuple):
    """What a pull did: `digest` is that of the name at the registry; `fresh` layers came."""

    image: Image
    digest: str
    fresh: int
    bytes: int
    lost: dict[str, int]


def pull(
    store: Store, full: str, client: Client, platform: str = "",
    bar: Callable[[str], Progress | None] = lambda title: None, key: str = "",
    own: asked.Own = MappingProxyType({}),
) -> Pulled:  # fmt: skip
    """Pull the image of this full name (see `names.any_name`); errors leave the store as it was.

    What has come of a blob when a connection breaks off stays for the next try. key: the path of a
    public key, whose owner must have signed what the name stands for. own: functions of a learner's
    that are asked, see `asked`.
    """
    overlay_check.check(store)
    carry.ready(store)
    changes.sweep(store)
    wanted = oci.read_platform(platform)
    client.transport.secrets_for = asked.secrets(own, client)
    order = asked.Order(own)
    order.come("manifest")
    digest, first, hex, manifest = resolve(client, names.split(full)[2], wanted, full, own)
    if key:
        signed.check(client, full, first, key, asked.trusted(own))
    if is_here(store, full, hex):
        return Pulled(store.resolve(full), digest, 0, 0, {})
    described, layers = documents.parts_of(documents.parse(manifest, full), full)
    config = client.document(described, full)
    documents.check_platform(documents.parse(config, full), wanted, full)
    stop = Stop(client.stop)
    downloads = Downloads(store, client, stop)
    if own:
        asked.bring(own, store, client, layers, order)
        order.come("unpack")
        client.transport.secrets_for = None  # what follows runs in threads, where nobody may fork
    try:
        arrived = Arrival(
            store, full, manifest, config, downloads.bring, stop, bar, own.get("apply_layer")
        ).into([full], (lambda: order.come("name")) if own else None)
    except UsageError:
        downloads.forget()  # a hostile image is not worth keeping
        raise
    downloads.forget()
    return Pulled(arrived.image, digest, arrived.fresh, arrived.bytes, arrived.lost)


def resolve(
    client: Client, reference: str, wanted: oci.Json, title: str,
    own: asked.Own = MappingProxyType({}),
) -> Found:  # fmt: skip
    """Follow indexes from a reference to the manifest for a platform."""
    first = b""
    size = None
    for _ in range(documents.DEEPEST + 1):
        data, said = client.manifest(reference)
        hex = hashlib.sha256(data).hexdigest()
        first = first or data
        if size not in (None, len(data)):
            raise documents.bad(title, "a manifest has another size than its index says")
        document = documents.parse(data, title)
        if documents.kind_of(document, said, title) == "manifest":
            return Found(f"sha256:{hashlib.sha256(first).hexdigest()}", first, hex, data)
        chosen = asked.choose(own, document, wanted, title)
        reference, size = f"sha256:{chosen.hex}", chosen.size
    raise Blocked(f"{title} is an index of an index, without an end", documents.ASK)
