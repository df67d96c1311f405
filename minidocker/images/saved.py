"""Save and load: images in one file, as an OCI archive that is `docker save`'s format as well.

    oci-layout  index.json  blobs/sha256/HEX …     what skopeo and podman call oci-archive
    manifest.json                                   what they call docker-archive: the same blobs

What is loaded may come from either, packed or not; nothing of it is believed, see `arrival`.
"""

from __future__ import annotations

import hashlib
import io
import os
import posixpath
import stat
import tarfile
from typing import TYPE_CHECKING, BinaryIO

from minidocker.errors import UsageError
from minidocker.images.archive.source import Progress, Source, is_zstd
from minidocker.images.archive.stream import Stream
from minidocker.images.archive.tar import Archive
from minidocker.images.archive.unpack import KEEP_FREE
from minidocker.images.arrival import Arrival, Arrived, Stop
from minidocker.images.store import (
    carry,
    catalogue,
    changes,
    documents,
    files,
    layout,
    names,
    oci,
    overlay_check,
)
from minidocker.images.store.partial import Partial

if TYPE_CHECKING:
    from minidocker.images.archive.member import Member
    from minidocker.images.store.documents import Blob
    from minidocker.images.store.store import Store

CONTAINERD = "io.containerd.image.name"
MOST_MEMBERS = 10_000


def save(store: Store, wanted: list[str], out: BinaryIO) -> None:
    """Write images to a file or pipe; the same images give the same bytes."""
    entries: list[oci.Json] = []
    docker: list[oci.Json] = []
    blobs: dict[str, None] = {}
    with Partial(store) as work:
        with store.hold():
            for name in wanted:
                image = store.resolve(name)
                id = image.id.removeprefix("sha256:")
                hex = catalogue.tags(store).get(image.name, ("", ""))[1]
                hex = hex or catalogue.manifests_of(store, id)[0]
                _describe(store, image.name, hex, entries, docker)
                manifest = files.load_json(store.path("blobs", "sha256", hex))
                blobs |= dict.fromkeys([hex, *catalogue.blobs_of(manifest)])
            for blob in blobs:
                os.link(store.path("blobs", "sha256", blob), work.path(blob))
        index = {"schemaVersion": 2, "mediaType": oci.INDEX_TYPE, "manifests": entries}
        with tarfile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT) as tar:
            _add(tar, "oci-layout", files.as_json(layout.VERSION))
            _add(tar, "index.json", files.as_json(index))
            _add(tar, "manifest.json", files.as_json(docker))
            for blob in sorted(blobs):
                with open(work.path(blob), "rb") as file:
                    _add(tar, f"blobs/sha256/{blob}", file)


def _describe(
    store: Store, name: str, hex: str, entries: list[oci.Json], docker: list[oci.Json]
) -> None:
    """Add an image to both tables of contents; one without a name has its id for a name."""
    path = store.path("blobs", "sha256", hex)
    manifest = files.load_json(path)
    config, *layers = catalogue.blobs_of(manifest)
    named = not name.startswith("sha256:") and "@" not in name
    notes = {}
    if named:
        host, repository, tag = names.split(name)
        notes = {layout.REF: name, CONTAINERD: f"{host}/{repository}:{tag}"}
    entry = oci.descriptor(documents.media_type(manifest), hex, os.stat(path).st_size)
    entries.append({**entry, "annotations": notes} if notes else entry)
    docker.append({
        "Config": f"blobs/sha256/{config}", "RepoTags": [name] if named else None,
        "Layers": [f"blobs/sha256/{layer}" for layer in layers],
    })  # fmt: skip


def _add(tar: tarfile.TarFile, name: str, data: bytes | BinaryIO) -> None:
    member = tarfile.TarInfo(name)
    member.mode = 0o644
    if isinstance(data, bytes):
        member.size = len(data)
        tar.addfile(member, io.BytesIO(data))
    else:
        member.size = os.fstat(data.fileno()).st_size
        tar.addfile(member, data)


def load(
    store: Store, path: str, platform: str = "", progress: Progress | None = None
) -> list[Arrived]:
    """Load all images of an archive ("-" is standard input); errors leave the store as it was."""
    if path != "-" and os.path.isdir(path):  # podman's oci-dir and docker-dir, say
        raise UsageError(f"{path} is a directory, not an archive",
                         f"tar -C {path} -c . | minidocker load")  # fmt: skip
    overlay_check.check(store)
    carry.ready(store)
    changes.sweep(store)
    with Partial(store) as spool:
        archive = Spooled(spool, path, progress)
        if "index.json" in archive and "oci-layout" in archive:
            found = archive.oci_images(oci.read_platform(platform))
        elif "manifest.json" in archive:
            found = archive.docker_images()
        else:
            raise UsageError(
                f"{archive.title} holds no saved images",
                f"minidocker import {path} NAME   (if it is a root file system)",
            )
        arrivals = [
            (its_names, Arrival(store, archive.title, manifest, config, archive.bring, Stop()))
            for its_names, manifest, config in found
        ]
        return [arrival.into(its_names) for its_names, arrival in arrivals]


class Spooled:
    """The files of an archive, put aside under numbers: no name in it becomes a path of ours."""

    def __init__(self, work: Partial, path: str, progress: Progress | None) -> None:
        self._work = work
        self._files: dict[str, str] = {}
        self._links: dict[str, str] = {}
        self._by_hex: dict[str, str] = {}
        with Source(path, progress) as source:
            self.title = source.title
            stream = Stream(source.read, source.title)
            archive = Archive(stream)
            for member in archive:
                self._take(member, archive)
            stream.drain()

    def __contains__(self, name: str) -> bool:
        return self._resolve(name) in self._files

    def _take(self, member: Member, archive: Archive) -> None:
        name = posixpath.normpath(member.name.decode("utf-8", "surrogateescape"))
        if len(self._files) + len(self._links) > MOST_MEMBERS:
            raise documents.bad(self.title, f"more than {MOST_MEMBERS} members")
        if member.kind == stat.S_IFLNK or not member.kind:  # podman links equal layers
            target = member.link.decode("utf-8", "surrogateescape")
            above = posixpath.dirname(name) if member.kind else ""
            self._links[name] = posixpath.normpath(posixpath.join(above, target))
        elif member.kind == stat.S_IFREG and member.extents is None:
            disk = os.statvfs(self._work.folder)
            free = disk.f_bavail * disk.f_frsize
            if disk.f_blocks and free < member.size + KEEP_FREE:
                raise files.no_room(self.title, self._work.store.root, free, member.size,
                                    KEEP_FREE)  # fmt: skip
            self._files[name] = file = self._work.path(str(len(self._files)))
            digest = hashlib.sha256()
            with open(file, "wb") as out:
                for piece in archive.data():
                    digest.update(piece)
                    out.write(piece)
            self._by_hex[digest.hexdigest()] = file

    def _resolve(self, name: str) -> str:
        """Follow links of the archive among its own names; a circle leads nowhere."""
        name = posixpath.normpath(name)
        for _ in range(8):
            name = self._links.get(name, name)
        return name

    def _read(self, name: str) -> bytes:
        """Return a document whole; UsageError where it is missing or too long."""
        return self._document(self._file(name))

    def _file(self, name: object) -> str:
        file = self._files.get(self._resolve(name)) if isinstance(name, str) else None
        if file is None:
            raise documents.bad(self.title, f"it lacks {str(name)[:100]!r}")
        return file

    def _document(self, file: str) -> bytes:
        with open(file, "rb") as stream:
            return stream.read(documents.LARGEST + 1)

    def _blob(self, hex: str) -> bytes:
        if hex not in self._by_hex:
            raise documents.bad(self.title, f"it lacks the blob {hex[:12]}")
        return self._document(self._by_hex[hex])

    def bring(self, work: Partial, blob: Blob, progress: Progress | None) -> None:
        """Put a blob where blobs wait for their place: its digest was computed as it came."""
        os.makedirs(work.path("blobs"), exist_ok=True)
        file = self._by_hex.get(blob.hex)
        if file is None or os.stat(file).st_size != blob.size:
            raise documents.bad(self.title, f"it lacks the blob {blob.hex[:12]}, or its size lies")
        if not os.path.exists(work.path(f"blobs/{blob.hex}")):
            os.link(file, work.path(f"blobs/{blob.hex}"))

    def oci_images(self, wanted: oci.Json) -> list[tuple[list[str], bytes, bytes]]:
        """Return (names, manifest, configuration) of each image that index.json names."""
        index = documents.parse(self._read("index.json"), self.title)
        if not isinstance(index.get("manifests"), list) or not index["manifests"]:
            raise documents.bad(self.title, "its index.json names nothing")
        found: dict[str, tuple[list[str], bytes, bytes]] = {}
        all_of_it = []
        for name, blob in self._chosen(index["manifests"], wanted):
            manifest = self._follow(blob, wanted)
            all_of_it.append((name, manifest, documents.parse(manifest, self.title)))
        if not all_of_it:
            raise documents.bad(self.title, "its index.json names no image")
        images = [one for one in all_of_it if not documents.is_artifact(one[2])]
        for name, manifest, document in images or all_of_it:  # what is no image is a signature, say
            own, _ = documents.parts_of(document, self.title)
            hex = hashlib.sha256(manifest).hexdigest()
            known = found.setdefault(hex, ([], manifest, self._blob(own.hex)))
            if name and name not in known[0]:
                known[0].append(name)
        return list(found.values())

    def _chosen(self, entries: list[oci.Json], wanted: oci.Json) -> list[tuple[str, Blob]]:
        """Return (name or "", manifest or index) of what may be images for us in index.json.

        Of one image for several machines it is that for ours; an attestation is none.
        """
        groups: dict[str, list[oci.Json]] = {}
        for entry in entries:
            blob = documents.blob(entry, self.title)
            if not documents.is_attestation(entry):
                name = _name_of(entry)
                alone = "" if name or entry.get("platform") else blob.hex
                groups.setdefault(name or alone, []).append(entry)
        found = []
        for title, group in groups.items():
            name = _name_of(group[0])
            if len(group) > 1 and all(entry.get("platform") for entry in group):
                found.append((name, documents.choose({"manifests": group}, wanted, title)))
            else:
                found += [(name, documents.blob(entry, self.title)) for entry in group]
        return found

    def _follow(self, blob: Blob, wanted: oci.Json) -> bytes:
        for _ in range(documents.DEEPEST + 1):
            data = self._blob(blob.hex)
            document = documents.parse(data, self.title)
            if documents.kind_of(document, blob.media_type, self.title) == "manifest":
                return data
            blob = documents.choose(document, wanted, self.title)
        raise documents.bad(self.title, "an index of an index, without an end")

    def docker_images(self) -> list[tuple[list[str], bytes, bytes]]:
        """The same from `docker save`'s manifest.json, which has no manifests: we write them."""
        table = documents.parse(b'{"images":' + self._read("manifest.json") + b"}", self.title)
        if not isinstance(table.get("images"), list):
            raise documents.bad(self.title, "its manifest.json is no list")
        found = []
        for entry in table["images"]:
            if not isinstance(entry, dict) or not isinstance(entry.get("Layers"), list):
                raise documents.bad(self.title, "its manifest.json has words of a wrong type")
            config = self._read(str(entry.get("Config")))
            hex = hashlib.sha256(config).hexdigest()
            own = oci.descriptor(oci.CONFIG_TYPE, hex, len(config))
            layers = [self._layer(self._file(name)) for name in entry["Layers"]]
            manifest = files.as_json(oci.manifest(own, layers))
            its_names = [names.check(str(name)) for name in entry.get("RepoTags") or []]
            found.append((its_names, manifest, config))
        return found

    def _layer(self, file: str) -> oci.Json:
        hexes = {file: hex for hex, file in self._by_hex.items()}
        with open(file, "rb") as stream:
            start = stream.read(4)
        packing = "gzip" if start[:2] == b"\x1f\x8b" else "zstd" * is_zstd(start)
        return oci.descriptor(oci.layer_type(packing), hexes[file], os.stat(file).st_size)


def _name_of(entry: oci.Json) -> str:
    """Return the name that an entry of index.json gives to its image; "" for none.

    A `ref.name` may be any word, as of the tags of other layouts; then the image comes by its id.
    """
    notes = entry.get("annotations")
    if not isinstance(notes, dict):
        return ""
    if notes.get(CONTAINERD):
        return names.check(str(notes[CONTAINERD]))
    ref = str(notes.get(layout.REF) or "")
    try:
        return names.check(ref) if ref else ""
    except UsageError:
        return ""
