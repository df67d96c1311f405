"""Our registry: the conformance cases of the OCI distribution specification 1.0, tokens, faults."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from minidocker.errors import Blocked, UsageError
from minidocker.images.registry import scratch
from minidocker.images.registry.client import Client
from minidocker.images.registry.faults import FAULTS, Faults
from minidocker.images.registry.server import Registry
from minidocker.images.registry.tokens import Guard
from minidocker.images.store import oci

REPOSITORY = Path(__file__).resolve().parents[2]
CONFIG = b'{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}'
LAYER = os.urandom(5000)
NOTHING = "sha256:" + "0" * 64


class Answer:
    def __init__(self, answer: http.client.HTTPResponse) -> None:
        self.status, self.headers = answer.status, answer.headers
        self.body = answer.read()

    @property
    def code(self) -> str:
        return json.loads(self.body)["errors"][0]["code"]


Ask = Callable[..., Answer]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Registry]]:
    running: list[Registry] = []

    def start(*faults: str, **more: Any) -> Registry:
        registry = Registry(str(tmp_path / "reg"), faults=Faults(list(faults)), **more).start()
        running.append(registry)
        return registry

    yield start
    for registry in running:
        registry.close()


def asker(registry: Registry) -> Ask:
    """Ask with one connection for all requests, so that a body left unread would be seen."""
    connection = http.client.HTTPConnection(registry.address, timeout=10)

    def ask(method: str, path: str, body: Any = None, **headers: str) -> Answer:
        url = urlsplit(path)
        path = url.path + ("?" + url.query if url.query else "")
        headers = {key.replace("_", "-"): value for key, value in headers.items()}
        connection.request(method, path, body, headers)
        return Answer(connection.getresponse())

    return ask


@pytest.fixture
def ask(serve: Callable[..., Registry]) -> Ask:
    return asker(serve())


def digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def put_blob(ask: Ask, data: bytes, name: str = "lab/web", **headers: str) -> str:
    place = ask("POST", f"/v2/{name}/blobs/uploads/", **headers).headers["Location"]
    done = ask("PUT", f"{place}?digest={digest(data)}", data, **headers)
    assert done.status == 201, done.body
    return digest(data)


def manifest_of(config: bytes = CONFIG, *layers: bytes) -> bytes:
    found = [oci.descriptor(oci.LAYER_TYPE, digest(data)[7:], len(data)) for data in layers]
    own = oci.descriptor(oci.CONFIG_TYPE, digest(config)[7:], len(config))
    return json.dumps(oci.manifest(own, found)).encode()


def put_image(ask: Ask, tag: str = "1", name: str = "lab/web", **headers: str) -> bytes:
    for data in (CONFIG, LAYER):
        put_blob(ask, data, name, **headers)
    manifest = manifest_of(CONFIG, LAYER)
    done = ask(
        "PUT", f"/v2/{name}/manifests/{tag}", manifest, Content_Type=oci.MANIFEST_TYPE, **headers
    )
    assert done.status == 201, done.body
    assert done.headers["Docker-Content-Digest"] == digest(manifest)
    assert done.headers["Location"] == f"/v2/{name}/manifests/{digest(manifest)}"
    return manifest


# Pull


def test_version_check(ask: Ask) -> None:
    assert ask("GET", "/v2/").status == 200


@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_pull_blobs(ask: Ask, method: str) -> None:
    put_blob(ask, LAYER)
    done = ask(method, f"/v2/lab/web/blobs/{digest(LAYER)}")
    assert (done.status, done.headers["Content-Length"]) == (200, "5000")
    assert done.headers["Docker-Content-Digest"] == digest(LAYER)
    assert done.body == (LAYER if method == "GET" else b"")
    assert ask(method, f"/v2/lab/web/blobs/{NOTHING}").status == 404
    assert ask(method, f"/v2/lab/other/blobs/{digest(LAYER)}").status == 404
    assert ask(method, "/v2/lab/web/blobs/sha256:..").status == 400


@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_pull_manifests(ask: Ask, method: str) -> None:
    manifest = put_image(ask)
    for reference in ("1", digest(manifest)):
        done = ask(method, f"/v2/lab/web/manifests/{reference}")
        assert done.status == 200
        assert done.headers["Content-Type"] == oci.MANIFEST_TYPE
        assert done.headers["Docker-Content-Digest"] == digest(manifest)
        assert done.body == (manifest if method == "GET" else b"")
    for reference in ("2", NOTHING, ".INVALID"):
        assert ask(method, f"/v2/lab/web/manifests/{reference}").status == 404


def test_an_unknown_manifest_is_told_in_json(ask: Ask) -> None:
    assert ask("GET", "/v2/lab/web/manifests/2").code == "MANIFEST_UNKNOWN"
    assert ask("GET", f"/v2/lab/web/blobs/{NOTHING}").code == "BLOB_UNKNOWN"


@pytest.mark.parametrize(
    ("word", "status", "said"),
    [("bytes=10-19", 206, slice(10, 20)), ("bytes=4990-", 206, slice(4990, 5000)),
     ("bytes=0-4999", 200, slice(0, 5000)), ("bytes=10-99999", 206, slice(10, 5000)),
     ("bytes=-7", 206, slice(4993, 5000)), ("bytes=-9999", 200, slice(0, 5000)),
     ("bytes=-", 200, slice(0, 5000)), ("lines=1-2", 200, slice(0, 5000)),
     (f"bytes={'9' * 5000}-", 200, slice(0, 5000))],
)  # fmt: skip
def test_a_part_of_a_blob(ask: Ask, word: str, status: int, said: slice) -> None:
    put_blob(ask, LAYER)
    done = ask("GET", f"/v2/lab/web/blobs/{digest(LAYER)}", Range=word)
    assert (done.status, done.body) == (status, LAYER[said])
    for nothing in ("bytes=5000-", "bytes=-0"):
        assert ask("GET", f"/v2/lab/web/blobs/{digest(LAYER)}", Range=nothing).status == 416
    assert ask("PUT", "/v2/").status == 404


# Push


def test_a_blob_in_one_post(ask: Ask) -> None:
    done = ask("POST", f"/v2/lab/web/blobs/uploads/?digest={digest(LAYER)}", LAYER)
    assert done.status == 201
    assert ask("GET", done.headers["Location"]).body == LAYER


def test_a_blob_in_post_and_put(ask: Ask) -> None:
    begun = ask("POST", "/v2/lab/web/blobs/uploads/")
    assert (begun.status, begun.headers["Range"]) == (202, "0-0")
    done = ask("PUT", f"{begun.headers['Location']}?digest={digest(LAYER)}", LAYER)
    assert done.status == 201
    assert done.headers["Docker-Content-Digest"] == digest(LAYER)
    assert ask("GET", done.headers["Location"]).body == LAYER
    assert ask("GET", begun.headers["Location"]).status == 404


def test_a_blob_in_a_stream(ask: Ask) -> None:
    place = ask("POST", "/v2/lab/web/blobs/uploads/").headers["Location"]
    done = ask("PATCH", place, iter([LAYER[:10], LAYER[10:]]))  # Transfer-Encoding: chunked
    assert (done.status, done.headers["Range"]) == (202, "0-4999")
    assert ask("PUT", f"{place}?digest={digest(LAYER)}").status == 201


def test_a_blob_in_chunks(ask: Ask) -> None:
    place = ask("POST", "/v2/lab/web/blobs/uploads/").headers["Location"]
    wrong = ask("PATCH", place, LAYER[3000:], Content_Range="3000-4999")
    assert wrong.status == 416
    done = ask("PATCH", place, LAYER[:3000], Content_Range="0-2999")
    assert (done.status, done.headers["Range"]) == (202, "0-2999")
    assert ask("PATCH", place, LAYER[:3000], Content_Range="0-2999").status == 416
    short = ask("PATCH", place, LAYER[3000:], Content_Range="3000-4000")  # and 2000 bytes came
    assert (short.status, short.code, short.headers["Range"]) == (400, "SIZE_INVALID", "0-2999")
    where = ask("GET", place)
    assert (where.status, where.headers["Range"]) == (204, "0-2999")
    done = ask("PUT", f"{place}?digest={digest(LAYER)}", LAYER[3000:], Content_Range="3000-4999")
    assert done.status == 201
    assert ask("GET", done.headers["Location"]).body == LAYER


@pytest.mark.parametrize("wrong", [NOTHING, "sha256:12", "md5:" + "0" * 32, "", "sha256:../x"])
def test_a_wrong_digest_is_refused(ask: Ask, wrong: str) -> None:
    place = ask("POST", "/v2/lab/web/blobs/uploads/").headers["Location"]
    done = ask("PUT", f"{place}?digest={wrong}", LAYER)
    assert (done.status, done.code) == (400, "DIGEST_INVALID")
    assert ask("HEAD", f"/v2/lab/web/blobs/{digest(LAYER)}").status == 404


def test_an_upload_can_be_given_up(ask: Ask) -> None:
    place = ask("POST", "/v2/lab/web/blobs/uploads/").headers["Location"]
    assert ask("DELETE", place).status == 204
    assert ask("PATCH", place, b"x").code == "BLOB_UPLOAD_UNKNOWN"


def test_an_empty_blob(ask: Ask) -> None:
    put_blob(ask, b"")
    assert ask("GET", f"/v2/lab/web/blobs/{digest(b'')}").status == 200


def test_a_blob_is_mounted(ask: Ask) -> None:
    put_blob(ask, LAYER)
    mount = f"/v2/lab/other/blobs/uploads/?mount={digest(LAYER)}"
    done = ask("POST", f"{mount}&from=lab/web")
    assert done.status == 201
    assert ask("GET", done.headers["Location"]).body == LAYER
    for source in ("", "&from=lab/none", "&from=../x"):
        done = ask("POST", f"/v2/lab/third/blobs/uploads/?mount={digest(LAYER)}{source}")
        assert done.status == 202
        assert done.headers["Location"]


@pytest.mark.parametrize(
    ("body", "code"),
    [(b"", "MANIFEST_INVALID"), (b"[]", "MANIFEST_INVALID"), (b'{"layers": 1}', "MANIFEST_INVALID"),
     (b'{"layers": [{"digest": "x"}]}', "DIGEST_INVALID"), (b"[" * 9999, "MANIFEST_INVALID"),
     (manifest_of(b"other"), "MANIFEST_BLOB_UNKNOWN")],
)  # fmt: skip
def test_a_bad_manifest_is_refused(ask: Ask, body: bytes, code: str) -> None:
    done = ask("PUT", "/v2/lab/web/manifests/1", body)
    assert (done.status, done.code) == (400, code)
    assert ask("GET", "/v2/lab/web/manifests/1").status == 404


def test_a_manifest_has_its_limits(ask: Ask) -> None:
    put_image(ask)
    other = ask("PUT", f"/v2/lab/web/manifests/{NOTHING}", manifest_of(CONFIG))
    assert (other.status, other.code) == (400, "DIGEST_INVALID")
    other = ask("PUT", "/v2/lab/web/manifests/1", manifest_of(CONFIG), Content_Type=oci.INDEX_TYPE)
    assert (other.status, other.code) == (400, "MANIFEST_INVALID")
    large = b'{"x": "' + bytes(5 << 20) + b'"}'
    assert ask("PUT", "/v2/lab/web/manifests/1", large).status == 413


def test_an_index_names_what_is_there(ask: Ask) -> None:
    manifest = put_image(ask)
    entry = oci.descriptor(oci.MANIFEST_TYPE, digest(manifest)[7:], len(manifest))
    index = json.dumps({"schemaVersion": 2, "manifests": [entry]}).encode()
    assert ask("PUT", "/v2/lab/web/manifests/all", index).status == 201
    index = index.replace(digest(manifest).encode(), NOTHING.encode())
    assert ask("PUT", "/v2/lab/web/manifests/all", index).code == "MANIFEST_UNKNOWN"


@pytest.mark.parametrize("name", ["Lab", "lab//web", "../lab", "lab/.web", "lab%2fweb", "-x", "a" * 300])
def test_a_bad_name_is_refused(ask: Ask, name: str) -> None:
    assert ask("POST", f"/v2/{name}/blobs/uploads/").status in (400, 404)


# Discovery


def test_tags(ask: Ask) -> None:
    assert ask("GET", "/v2/lab/web/tags/list").code == "NAME_UNKNOWN"
    for tag in ("b", "a", "1.0", "B"):
        put_image(ask, tag)
    told = json.loads(ask("GET", "/v2/lab/web/tags/list").body)
    assert told == {"name": "lab/web", "tags": ["1.0", "B", "a", "b"]}
    page = ask("GET", "/v2/lab/web/tags/list?n=2")
    assert json.loads(page.body)["tags"] == ["1.0", "B"]
    assert page.headers["Link"] == '</v2/lab/web/tags/list?n=2&last=B>; rel="next"'
    page = ask("GET", "/v2/lab/web/tags/list?n=2&last=B")
    assert json.loads(page.body)["tags"] == ["a", "b"]
    assert "Link" not in page.headers
    assert json.loads(ask("GET", "/v2/lab/web/tags/list?n=0").body)["tags"] == []
    for number in ("x", "-1", "9" * 5000):
        assert ask("GET", f"/v2/lab/web/tags/list?n={number}").code == "PAGINATION_NUMBER_INVALID"
    assert json.loads(ask("GET", "/v2/_catalog").body)["repositories"] == ["lab/web"]


# Management


def test_tags_manifests_and_blobs_are_deleted(ask: Ask) -> None:
    manifest = put_image(ask, "1")
    put_image(ask, "2")
    assert ask("DELETE", "/v2/lab/web/manifests/2").status == 202
    assert ask("GET", "/v2/lab/web/manifests/2").status == 404
    assert ask("GET", "/v2/lab/web/manifests/1").status == 200
    assert ask("DELETE", f"/v2/lab/web/manifests/{digest(manifest)}").status == 202
    assert ask("GET", "/v2/lab/web/manifests/1").status == 404
    assert ask("DELETE", f"/v2/lab/web/manifests/{digest(manifest)}").status == 404
    assert json.loads(ask("GET", "/v2/lab/web/tags/list").body)["tags"] == []
    assert ask("DELETE", f"/v2/lab/web/blobs/{digest(LAYER)}").status == 202
    assert ask("GET", f"/v2/lab/web/blobs/{digest(LAYER)}").status == 404
    assert ask("DELETE", f"/v2/lab/web/blobs/{digest(LAYER)}").status == 404


# Tokens


def basic(word: str) -> str:
    return "Basic " + base64.b64encode(word.encode()).decode()


def token(ask: Ask, scope: str, **headers: str) -> str:
    done = ask("GET", f"/token?service=minidocker&scope={scope}", **headers)
    assert done.status == 200, done.body
    return "Bearer " + json.loads(done.body)["token"]


def test_the_token_dance(serve: Callable[..., Registry]) -> None:
    registry = serve(guard=Guard("me:secret"))
    ask = asker(registry)
    first = ask("GET", "/v2/lab/web/manifests/1")
    assert first.status == 401
    said = first.headers["WWW-Authenticate"]
    assert said.startswith(f'Bearer realm="http://{registry.address}/token",service="minidocker"')
    assert 'scope="repository:lab/web:pull"' in said
    assert ask("GET", "/token?scope=repository:lab/web:pull").status == 401
    assert ask("GET", "/token", Authorization=basic("me:wrong")).status == 401
    mine = token(ask, "repository:lab/web:pull,push", Authorization=basic("me:secret"))
    put_image(ask, Authorization=mine)
    assert ask("GET", "/v2/lab/web/manifests/1", Authorization=mine).status == 200
    assert ask("GET", "/v2/lab/other/manifests/1", Authorization=mine).status == 401
    assert ask("DELETE", "/v2/lab/web/manifests/1", Authorization=mine).status == 401
    forged = mine[:-3] + "AA="
    assert ask("GET", "/v2/lab/web/manifests/1", Authorization=forged).status == 401
    mount = f"/v2/lab/other/blobs/uploads/?mount={digest(LAYER)}&from=lab/web"
    other = token(ask, "repository:lab/other:pull,push", Authorization=basic("me:secret"))
    assert ask("POST", mount, Authorization=other).status == 401


def test_anonymous_tokens_only_pull(serve: Callable[..., Registry]) -> None:
    registry = serve(guard=Guard("me:secret", anonymous=True))
    ask = asker(registry)
    nobody = token(ask, "repository:lab/web:pull,push")
    assert ask("GET", "/v2/lab/web/manifests/1", Authorization=nobody).status == 404
    assert ask("POST", "/v2/lab/web/blobs/uploads/", Authorization=nobody).status == 401
    registry.guard.life = -1
    old = token(ask, "repository:lab/web:pull")
    assert ask("GET", "/v2/lab/web/manifests/1", Authorization=old).status == 401


def test_basic_passwords(serve: Callable[..., Registry]) -> None:
    ask = asker(serve(guard=Guard("me:secret", basic=True)))
    assert ask("GET", "/v2/").headers["WWW-Authenticate"].startswith("Basic")
    assert ask("GET", "/v2/", Authorization=basic("me:secret")).status == 200
    assert ask("GET", "/v2/", Authorization=basic("me:secre")).status == 401
    assert ask("GET", "/v2/", Authorization="Basic ???").status == 401


# Faults


def test_faults_are_counted() -> None:
    faults = Faults(["cut=2", "slow", "429"])
    assert [faults.take("cut") for _ in range(3)] == [True, True, False]
    assert all(faults.take("slow") for _ in range(9))
    assert [faults.take("429") for _ in range(3)] == [True, True, False]
    assert not faults.take("html")
    for word in ("nothing", "cut=x", "cut=-1", ""):
        with pytest.raises(UsageError, match="no fault"):
            Faults([word])


def faulty(serve: Callable[..., Registry], fault: str, **more: Any) -> tuple[Registry, Ask]:
    put_image(asker(serve()))
    registry = serve(fault, **more)
    return registry, asker(registry)


def test_faults_of_a_blob(serve: Callable[..., Registry]) -> None:
    path = f"/v2/lab/web/blobs/{digest(LAYER)}"
    _, ask = faulty(serve, "tampered")
    got = ask("GET", path).body
    assert len(got) == 5000
    assert sum(a != b for a, b in zip(got, LAYER, strict=True)) == 1
    assert len(asker(serve("wrong-size"))("GET", path).body) == 5001
    ask = asker(serve("cut"))
    with pytest.raises(http.client.IncompleteRead):
        ask("GET", path)
    assert asker(serve("no-range"))("GET", path, Range="bytes=10-19").status == 200


def test_the_redirect_wants_no_password(serve: Callable[..., Registry]) -> None:
    _, ask = faulty(serve, "redirect")
    done = ask("GET", f"/v2/lab/web/blobs/{digest(LAYER)}")
    assert done.status == 307
    url = urlsplit(done.headers["Location"])
    for headers, status in ({}, 200), ({"Authorization": "x"}, 400):
        there = http.client.HTTPConnection(url.netloc, timeout=10)
        there.request("GET", url.path, headers=headers)
        assert there.getresponse().status == status


def test_other_faults(serve: Callable[..., Registry]) -> None:
    _, ask = faulty(serve, "429=1")
    done = ask("GET", "/v2/lab/web/manifests/1")
    assert (done.status, done.headers["Retry-After"]) == (429, "1")
    assert ask("GET", "/v2/lab/web/manifests/1").status == 200
    assert asker(serve("500=1"))("GET", "/v2/").status == 500
    assert b"<html>" in asker(serve("html"))("GET", "/v2/lab/web/manifests/1").body
    done = asker(serve("moved-tag"))("GET", "/v2/lab/web/manifests/1")
    assert digest(done.body) != done.headers["Docker-Content-Digest"]


def test_an_address_of_ipv6(tmp_path: Path) -> None:
    try:
        registry = Registry(str(tmp_path), host="::1").start()
    except Blocked:
        pytest.skip("blocked: no IPv6 on loopback")
    try:
        assert registry.address.startswith("[::1]:")
        client = Client(registry.address, "lab/x")
        assert client.expect(client.ask("GET", "/"), 200).read(100) == b"{}"
        client.transport.close()
    finally:
        registry.close()


# The command


def test_only_loopback(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no loopback"):
        Registry(str(tmp_path), host="0.0.0.0")
    taken = Registry(str(tmp_path))
    with pytest.raises(Blocked, match="cannot be had"):
        Registry(str(tmp_path), port=int(taken.address.split(":")[1]))
    taken._server.server_close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_serves_until_a_signal(tmp_path: Path, number: int) -> None:
    env = {**os.environ, "TMPDIR": str(tmp_path)}
    process = subprocess.Popen(
        [sys.executable, "-m", "minidocker", "registry", "serve", "--port", "0"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=REPOSITORY, env=env,
    )  # fmt: skip
    assert process.stdout
    address = process.stdout.readline().strip().removeprefix("http://")
    connection = http.client.HTTPConnection(address, timeout=10)
    connection.request("GET", "/v2/", headers={"Authorization": "Basic c2VjcmV0"})
    assert connection.getresponse().status == 200
    connection.close()
    process.send_signal(number)
    _, told = process.communicate(timeout=20)
    assert process.returncode == 0
    assert told == "GET /v2/ 200 Basic\n"  # its kind, and nothing of it
    assert os.listdir(tmp_path) == []


def test_the_help_names_every_fault(minidocker: Callable) -> None:
    told = minidocker("registry", "serve", "--help").stdout
    assert all(f"  {name}" in told for name in FAULTS)


# --- a directory that goes with its owner ----------------------------------------------------


def test_the_next_registry_removes_the_directory_of_one_that_was_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scratch.tempfile, "tempdir", str(tmp_path))
    code = "import os, sys; from minidocker.images.registry.scratch import Scratch; it = Scratch(); "
    env = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": str(REPOSITORY)}
    killed = code + "os.mkdir(it.path + '/x'); os.kill(os.getpid(), 9)"
    assert subprocess.run([sys.executable, "-c", killed], env=env, check=False).returncode == -9
    (left,) = tmp_path.iterdir()
    (tmp_path / "minidocker-registry-link").symlink_to(REPOSITORY)
    with scratch.Scratch() as mine:
        assert not left.exists() and Path(mine).is_dir()
        assert scratch.sweep() == []  # it is held
    ended = subprocess.run([sys.executable, "-c", code + "print(it.path)"], env=env, check=True,
                           capture_output=True, text=True)  # fmt: skip
    assert not Path(ended.stdout.strip()).exists()
    assert [one.name for one in tmp_path.iterdir()] == ["minidocker-registry-link"]
