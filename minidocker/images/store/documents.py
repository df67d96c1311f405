"""What registries and archives say of images: manifests, indexes, configurations. Trust nothing.

    index ── chooses by platform ──► manifest ──► configuration: what to start, the diff ids
                                        └───────► layers: digest and size of each packed tar

A document is read only after its digest was checked, and only as far as its words are what the
OCI image specification (or Docker's "schema 2") says. The rest is refused in one sentence.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from minidocker.errors import Blocked, NotFound, UsageError
from minidocker.images.store import oci

LARGEST = 4 << 20  # bytes of a manifest or configuration; the distribution specification's figure
MOST_LAYERS = 127  # as Docker; one mount can name 150
DEEPEST = 4  # indexes in one another
DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
SCHEMA_1 = "application/vnd.docker.distribution.manifest.v1+"
DOCKER = "application/vnd.docker."
MANIFESTS = (oci.MANIFEST_TYPE, DOCKER + "distribution.manifest.v2+json")
INDEXES = (oci.INDEX_TYPE, DOCKER + "distribution.manifest.list.v2+json")
CONFIGS = (oci.CONFIG_TYPE, DOCKER + "container.image.v1+json")
_OCI_LAYER = "application/vnd.oci.image.layer."
LAYERS = (
    *(f"{_OCI_LAYER}{kind}v1.tar{packing}"
      for kind in ("", "nondistributable.") for packing in ("", "+gzip", "+zstd")),
    DOCKER + "image.rootfs.diff.tar.gzip", DOCKER + "image.rootfs.diff.tar",
    DOCKER + "image.rootfs.diff.tar.zstd",
)  # fmt: skip
FOREIGN = DOCKER + "image.rootfs.foreign.diff.tar.gzip"
UNSAID, BEST = 10, 30  # how well a platform fits: none is said; it is the one that was wanted
ASK = "ask whoever made this image"


class Blob(NamedTuple):
    """A descriptor that was looked at: `hex` is 64 digits, `size` bytes from 0."""

    media_type: str
    hex: str
    size: int
    urls: list[str]

    def as_json(self) -> oci.Json:
        """Return it as documents write it."""
        return oci.descriptor(self.media_type, self.hex, self.size)


def bad(title: str, why: str) -> UsageError:
    """Return the error for an image that cannot be what it says."""
    return UsageError(f"{title} is refused: {why}", ASK)


def hex_of(digest: object, title: str) -> str:
    """Return the 64 digits of "sha256:…"; anything else is refused before it becomes a path."""
    found = DIGEST.fullmatch(digest) if isinstance(digest, str) else None
    if not found:
        raise bad(title, f"{str(digest)[:80]!r} is no sha256 digest")
    return found[1]


def parse(data: bytes, title: str) -> oci.Json:
    """Read a JSON object that came from elsewhere."""
    if len(data) > LARGEST:
        raise bad(title, f"a document of more than {LARGEST >> 20} MiB")
    if data.lstrip()[:1] == b"<":
        raise bad(title, "it is a web page, and no document of an image")
    try:
        found = json.loads(data.decode("utf-8"))
        json.dumps(found, ensure_ascii=False).encode("utf-8")  # "\\ud800" is half a character
    except (ValueError, RecursionError):
        raise bad(title, "it is no JSON in UTF-8") from None
    if not isinstance(found, dict):
        raise bad(title, "it is no JSON object")
    return found


def blob(value: Any, title: str) -> Blob:
    """Look at a descriptor."""
    if not isinstance(value, dict):
        raise bad(title, "a descriptor is no JSON object")
    size, kind, urls = value.get("size"), value.get("mediaType", ""), value.get("urls") or []
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size < 1 << 50:
        raise bad(title, f"{str(size)[:40]!r} is no size")
    if not isinstance(kind, str) or not isinstance(urls, list):
        raise bad(title, "a descriptor has words of a wrong type")
    return Blob(kind, hex_of(value.get("digest"), title), size, [str(url) for url in urls])


def kind_of(document: oci.Json, said: str, title: str) -> str:
    """Return "index" or "manifest"; `said` is the type that the server or descriptor gave."""
    own = document.get("mediaType", "")
    if document.get("schemaVersion") == 1 or str(own).startswith(SCHEMA_1):
        raise bad(title, "it is in Docker's schema 1, which nobody has written since 2017")
    if "manifests" in document and ("layers" in document or "config" in document):
        raise bad(title, "it says that it is both an index and a manifest")
    if document.get("schemaVersion") != 2:
        raise bad(title, "it is no manifest (no schemaVersion 2)")
    kinds = {"index": INDEXES, "manifest": MANIFESTS}
    kind = "index" if isinstance(document.get("manifests"), list) else "manifest"
    other = kinds["manifest" if kind == "index" else "index"]
    if own in other or (not own and said in other):
        raise bad(title, f"it is no {said or own}, as it says")
    return kind


def media_type(document: oci.Json) -> str:
    """Return the type of a manifest or index: its own word, or by its form."""
    return str(document.get("mediaType") or (
        oci.INDEX_TYPE if "manifests" in document else oci.MANIFEST_TYPE
    ))  # fmt: skip


def is_attestation(entry: oci.Json) -> bool:
    """Say whether an entry of an index is for "unknown/unknown": no image, but a word on one."""
    platform = entry.get("platform") or {}
    return isinstance(platform, dict) and "unknown" in (
        platform.get("architecture"), platform.get("os")
    )  # fmt: skip


def is_artifact(manifest: oci.Json) -> bool:
    """Say whether a manifest's configuration is of no container image."""
    config = manifest.get("config")
    return isinstance(config, dict) and config.get("mediaType") not in CONFIGS


def parts_of(manifest: oci.Json, title: str) -> tuple[Blob, list[Blob]]:
    """Return (configuration, layers bottom first) of a manifest of a container image."""
    config = blob(manifest.get("config"), title)
    if config.media_type not in CONFIGS:
        what = manifest.get("artifactType") or config.media_type
        raise bad(title, f"it is no container image, but {str(what)[:80]!r}")
    if config.size > LARGEST:
        raise bad(title, f"a configuration of more than {LARGEST >> 20} MiB")
    found = manifest.get("layers")
    if not isinstance(found, list) or not found:
        raise bad(title, "it has no layers")
    if len(found) > MOST_LAYERS:
        raise bad(title, f"it has {len(found)} layers; {MOST_LAYERS} are the most")
    layers = [blob(layer, title) for layer in found]
    for layer in layers:
        if layer.media_type not in LAYERS and layer.media_type != FOREIGN:
            raise bad(title, f"a layer of the unknown type {layer.media_type[:80]!r}")
    return config, layers


def diff_ids_of(config: oci.Json, title: str) -> list[str]:
    """Return the layers' digests in hex, of a configuration that `run` can use."""
    rootfs = config.get("rootfs")
    diff_ids = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
    if not isinstance(diff_ids, list):
        raise bad(title, "its configuration has no rootfs.diff_ids")
    settings = config.get("config") or {}
    steps = config.get("history") or []
    whole = isinstance(steps, list) and all(isinstance(step, dict) for step in steps)
    if not isinstance(settings, dict) or not whole:
        raise bad(title, "its configuration has words of a wrong type")
    for key in ("Labels", "Volumes", "ExposedPorts", "Healthcheck"):
        if settings.get(key) and not isinstance(settings[key], dict):
            raise bad(title, f"{key} of its configuration is no table")
    texts = [settings[key] for key in ("WorkingDir", "User", "StopSignal") if settings.get(key)]
    for key in ("Env", "Cmd", "Entrypoint", "Shell", "OnBuild"):
        value = settings.get(key) or []
        if not isinstance(value, list):
            raise bad(title, f"{key} of its configuration is no list")
        texts += value
    if not all(isinstance(text, str) and "\0" not in text for text in texts):
        raise bad(title, "a text of its configuration is no text, or holds a NUL character")
    for variable in settings.get("Env") or []:
        if not variable.partition("=")[0] or "=" not in variable:
            raise bad(title, f"{variable[:60]!r} of its configuration is no variable")
    return [hex_of(diff_id, title) for diff_id in diff_ids]


def check_platform(config: oci.Json, wanted: oci.Json, title: str) -> None:
    """Refuse an image for another kind of processor or system."""
    for key in ("os", "architecture"):
        has = config.get(key)
        if has and has != wanted[key]:
            raise Blocked(
                f"{title} is for {oci.platform_text(config)}, "
                f"and {oci.platform_text(wanted)} was wanted",
                f"an image for {oci.platform_text(wanted)}, "
                f"or --platform {oci.platform_text(config)}",
            )


def choose(index: oci.Json, wanted: oci.Json, title: str) -> Blob:
    """Return the manifest of an index that fits the platform best; NotFound names what there is.

    Attestations ("unknown/unknown") are no images. An entry without a platform fits everybody.
    """
    found = index["manifests"]
    if len(found) > 10_000:
        raise bad(title, "an index of more than 10000 manifests")
    best: tuple[int, Blob] | None = None
    there = []
    for entry in found:
        looked = blob(entry, title)
        platform = entry.get("platform") or {}
        if not isinstance(platform, dict):
            raise bad(title, "a platform is no JSON object")
        if is_attestation(entry):
            continue
        if looked.media_type not in MANIFESTS + INDEXES:
            continue
        there.append(oci.platform_text(platform) if platform else "any")
        rank = _rank(platform, wanted)
        if rank and (best is None or rank > best[0]):
            best = (rank, looked)
    if best is None:
        raise NotFound(
            f"{title} is not there for {oci.platform_text(wanted)}",
            "--platform " + " or ".join(sorted(set(there))[:12]) if there else ASK,
        )
    return best[1]


def _rank(platform: oci.Json, wanted: oci.Json) -> int:
    """Say how well a platform fits: 0 not at all, more is better.

    Best is the very same, next the same where only one has a variant, then one that is unsaid. Last
    comes what was made for an older processor of the kind (arm/v6 on arm/v7), the newest of those.
    """
    if not platform:
        return UNSAID
    if any(platform.get(key) != wanted[key] for key in ("os", "architecture")):
        return 0
    has, asked = platform.get("variant") or "", wanted.get("variant") or ""
    usual = {"amd64": "v1", "arm64": "v8", "arm": "v7"}.get(wanted["architecture"], "")
    if (has or usual) == (asked or usual):
        return BEST + (has == asked)
    level, most = _level(has or usual), _level(asked or usual)
    older = level if level < most else 0
    return older if has and asked else UNSAID + 1 + older * bool(has)


def _level(variant: object) -> int:
    """Return the number of a variant: 7 for "v7"; 0 for a word of another form."""
    found = re.fullmatch(r"v([1-9])", variant) if isinstance(variant, str) else None
    return int(found[1]) if found else 0
