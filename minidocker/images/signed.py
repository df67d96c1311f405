"""Signatures of images: the owner of a key says that a name is this manifest. Form: cosign's.

    NAME:sha256-HEX.sig   a manifest beside the image that has the digest HEX; its layers are
    payloads              {"critical": {"identity": {"docker-reference": NAME}, "image": {…}}}
    annotations           of each such layer: the signature of its bytes, in base64

A digest proves that bytes are the same, a signature where they are from. openssl does the sums.
A payload counts for the name and digest in it alone. See SIGNATURE_SPEC.md of cosign.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from minidocker.errors import Blocked, NotFound, UsageError
from minidocker.images.store import documents, names, oci

if TYPE_CHECKING:
    from collections.abc import Callable

    from minidocker.images.registry.client import Client

SIMPLE = "application/vnd.dev.cosign.simplesigning.v1+json"
KEPT = "dev.cosignproject.cosign/signature"
TYPE = "cosign container image signature"
LARGEST = 64 << 10  # bytes of a payload or a key
MOST = 50  # signatures of one image that are looked at
PATIENCE = 60  # seconds for openssl


class Signature(NamedTuple):
    """What somebody has signed, and the signature, which is not looked at yet."""

    payload: bytes
    signature: bytes


def check(
    client: Client, full: str, manifest: bytes, key: str,
    trusted: Callable[..., bool] | None = None,
) -> None:  # fmt: skip
    """Refuse, as Blocked, what the owner of a public key has not signed under this name.

    manifest: the bytes of what the name stands for. trusted: who is asked, else ours.
    """
    public = public_key(key)
    hex = hashlib.sha256(manifest).hexdigest()
    found = signatures(client, full, hex)
    with tempfile.TemporaryDirectory(prefix="minidocker-key-") as folder:
        path = os.path.join(folder, "key.pub")  # what was looked at, and not what lies there later
        with open(path, "wb") as file:
            file.write(public)
        for one in found:
            for name in claims(full, hex):
                if (trusted or is_trusted)(name, manifest, *one, path) is True:
                    return
    count = "1 signature" if len(found) == 1 else f"{len(found)} signatures"
    what = f"{count}, and none" if found else "no signature"
    raise Blocked(
        f"{full} has {what} by the key {key}; nothing of it was used",
        "ask its maker for the key, and do not run what nobody you trust has signed",
    )


def is_trusted(name: str, manifest: bytes, payload: bytes, signature: bytes, key: str) -> bool:
    """Say whether the owner of a key has signed that `name` is this manifest. openssl-dgst(1)"""
    if not _openssl_verifies(payload, signature, key):
        return False
    try:
        critical = json.loads(payload)["critical"]
        said = (critical["identity"]["docker-reference"], critical["type"],
                critical["image"]["docker-manifest-digest"])  # fmt: skip
    except (ValueError, KeyError, TypeError, RecursionError):
        return False
    return said == (name, TYPE, "sha256:" + hashlib.sha256(manifest).hexdigest())


def references(full: str) -> list[str]:
    """Return how a payload may write a repository: cosign calls Docker Hub index.docker.io."""
    host, path, _ = names.split(full)
    return [f"{one}/{path}" for one in (names.HUB[:2] if host in names.HUB else [host])]


def claims(full: str, hex: str) -> list[str]:
    """Return each way in which a payload may name what was asked for.

    The repository; with its tag or the digest, as newer versions of cosign write it.
    """
    reference = names.split(full)[2]
    ends = ["", f"@sha256:{hex}", *([] if ":" in reference else [f":{reference}"])]
    return [one + end for one in references(full) for end in ends]


def tag_of(hex: str) -> str:
    """Return the tag under which the signatures of a digest are kept."""
    return f"sha256-{hex}.sig"


def signatures(client: Client, full: str, hex: str) -> list[Signature]:
    """Return the signatures that a registry has for a digest; they prove nothing yet."""
    found = []
    for layer in _manifest(client, full, hex).get("layers", []):
        blob = documents.blob(layer, full)
        notes = layer.get("annotations")
        text = notes.get(KEPT) if isinstance(notes, dict) else None
        if blob.media_type != SIMPLE or blob.size > LARGEST or not isinstance(text, str):
            continue
        try:
            signature = base64.b64decode(text[:LARGEST], validate=True)
        except (ValueError, binascii.Error):
            continue
        found.append(Signature(client.document(blob, full), signature))
        if len(found) == MOST:
            break
    return found


def _manifest(client: Client, full: str, hex: str) -> oci.Json:
    """Return the document that lists an image's signatures; an empty one where there is none."""
    try:
        data, _ = client.manifest(tag_of(hex))
    except NotFound:
        return {}
    found = documents.parse(data, full)
    if not isinstance(found.get("layers", []), list):
        raise documents.bad(full, "its signatures are in no list")
    return found


def sign(client: Client, full: str, hex: str, key: str) -> None:
    """Sign, with a private key, that this name is the manifest with this digest; keep it there.

    Signatures of others stay.
    """
    payload = payload_for(references(full)[-1], hex)
    signature = _openssl_signs(payload, key)
    note = {KEPT: base64.b64encode(signature).decode()}
    layer = {**_keep(client, payload, SIMPLE), "annotations": note}
    layers = [*_manifest(client, full, hex).get("layers", []), layer]
    rootfs = {"type": "layers", "diff_ids": [one["digest"] for one in layers]}
    empty = {"architecture": "", "os": "", "config": {}, "rootfs": rootfs}
    config = _keep(client, json.dumps(empty).encode(), oci.CONFIG_TYPE)
    data = json.dumps(oci.manifest(config, layers)).encode()
    kind = {"Content-Type": oci.MANIFEST_TYPE}
    answer = client.ask("PUT", f"manifests/{tag_of(hex)}", kind, data)
    client.expect(answer, 201, 202).finish()


def payload_for(name: str, hex: str) -> bytes:
    """Return what is signed: "simple signing", in a small JSON document."""
    critical = {
        "identity": {"docker-reference": name},
        "image": {"docker-manifest-digest": f"sha256:{hex}"},
        "type": TYPE,
    }
    return json.dumps({"critical": critical, "optional": None}, separators=(",", ":")).encode()


def _keep(client: Client, data: bytes, kind: str) -> oci.Json:
    """Put a small blob into the repository; return its descriptor."""
    hex = hashlib.sha256(data).hexdigest()
    begun = client.ask("POST", "blobs/uploads/", {"Content-Length": "0"})
    client.expect(begun, 202).finish()
    place = begun.headers.get("Location", "")
    place += ("&" if "?" in place else "?") + "digest=" + quote(f"sha256:{hex}", safe="")
    headers = {"Content-Type": "application/octet-stream"}
    client.expect(client.ask("PUT", place, headers, data), 201, 204).finish()
    return oci.descriptor(kind, hex, len(data))


# openssl


def public_key(path: str) -> bytes:
    """Return the text of a public key, in PEM; UsageError for what is none."""
    text = _key(path)
    if not _openssl(["pkey", "-pubin", "-noout"], text)[0]:
        remedy = "openssl pkey -in PRIVATE -pubout"
        raise UsageError(f"{path} is no public key in PEM", remedy)
    return text


def private_key(path: str) -> None:
    """Refuse, as UsageError, what is no private key that can be used without a password."""
    if not _openssl(["pkey", "-noout", "-passin", "pass:"], _key(path))[0]:
        remedy = "openssl ecparam -name prime256v1 -genkey -noout -out KEY"
        raise UsageError(f"{path} is no private key in PEM, or it has a password", remedy)


def _key(path: str) -> bytes:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(fd, "rb") as file:
            text = file.read(LARGEST)
    except OSError as problem:
        why = f"{path} cannot be read: {problem.strerror}"
        raise UsageError(why, "the path of a key") from None
    return text


def _openssl_signs(payload: bytes, key: str) -> bytes:
    done, signature = _openssl(["dgst", "-sha256", "-sign", key, "-passin", "pass:"], payload)
    if not done:
        raise UsageError(f"openssl does not sign with {key}", "a private key of RSA or an EC curve")
    return signature


def _openssl_verifies(payload: bytes, signature: bytes, key: str) -> bool:
    with tempfile.NamedTemporaryFile(prefix="minidocker-signature-") as file:
        file.write(signature)
        file.flush()
        words = ["dgst", "-sha256", "-verify", key, "-signature", file.name]
        return _openssl(words, payload)[0]


def _openssl(words: list[str], data: bytes) -> tuple[bool, bytes]:
    """Return whether openssl said yes, and what it printed."""
    program = shutil.which("openssl")
    if not program:
        raise Blocked("signatures need openssl, which is not here", "apt-get install openssl")
    try:
        done: Any = subprocess.run(
            [program, *words], input=data, capture_output=True, timeout=PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        raise Blocked("openssl does not answer", "openssl version") from None
    return done.returncode == 0, done.stdout
