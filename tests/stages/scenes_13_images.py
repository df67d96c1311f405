"""Scenes of lesson 13: what runs in a cell, next to the learner's functions."""

import base64
import gzip
import http.client
import http.server
import json
import os
import random
import socket
from hashlib import sha256
from urllib.parse import urlsplit

MOST = 1 << 16  # bytes that the stream gives at once, at most
ENDS = 50  # so often may a function read at the end, before it loops
BEYOND = 1 << 20  # bytes that an endless one gives beyond what was promised
STEPS = ("manifest", "layers", "check", "unpack", "name")


# --- verify ------------------------------------------------------------------------------------


def blob_of(case):
    """Return the blob of a case: a gzip, as layers are, or plain bytes."""
    data = random.Random(case["seed"]).randbytes(case["size"])
    return data if case.get("plain") else gzip.compress(data, 1, mtime=0)


def sent_by(case):
    """Return what a server sends: the blob, or something that it is not."""
    data = blob_of(case)
    if case["kind"] == "tampered":
        at = len(data) * 2 // 3
        return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
    if case["kind"] == "short":
        return data[: -case["by"]]
    if case["kind"] == "long":
        return data + data[: case["by"]]
    if case["kind"] == "endless":
        return data + bytes(BEYOND)
    return data


def serve(talk, channel, cases):
    """Give the bytes of one case after the other; say how many were wanted of each."""
    for number, case in enumerate(cases):
        data, promised, given, told = sent_by(case), len(blob_of(case)), 0, False
        while (word := channel.recv(100)) != b"next":
            if not word:
                os._exit(0)
            wanted = int(word)
            end = given + some(wanted)
            piece = data[given : min(end, promised) if given < promised else end]
            given += len(piece)
            if case["kind"] == "good" and given > case["size"] // 2 and not told:
                told = True
                talk.ask("middle", number=number)
            channel.send(piece)
        talk.say("given", number=number, bytes=given)
    os._exit(0)


def some(wanted):
    """How many bytes come at once: as from a socket, often fewer than were wanted."""
    most = min(MOST, wanted if wanted >= 0 else MOST)
    return random.randint((most + 1) // 2, most)


class ReadOn(BaseException):
    """The function reads on and on after the end; no `except Exception` stops this one."""


class Stream:
    """The end of a server's answer that a client reads."""

    def __init__(self, channel):
        self.channel = channel
        self.ends = 0

    def read(self, size=-1):
        found = b""
        if self.ends > ENDS:
            raise ReadOn
        while True:
            self.channel.send(str(-1 if size is None else size).encode())
            piece = self.channel.recv(MOST)
            found += piece
            if (size is not None and size >= 0) or not piece:
                self.ends += not piece and size != 0
                return found


def cast_verify(kernel, talk, place, cases, descriptors):
    """A directory for each case; each with a file of another pull, one with the blob of an earlier pull."""
    for number, case in enumerate(cases):
        folder = f"{place}/{number}"
        os.makedirs(folder)
        if case["kind"] == "full" or case.get("apart"):  # no rename leads in from elsewhere
            kernel.mount("none", folder, "tmpfs", 0, f"size={1024 if case.get('apart') else 64}k")
        with open(f"{folder}/.coming-beside", "w") as file:
            file.write("unhurt")
        if case.get("there"):
            with open(f"{folder}/{descriptors[number]['digest'][7:]}", "wb") as file:
                file.write(blob_of(case))
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if os.fork() == 0:
        ours.close()
        serve(talk, theirs, cases)
    theirs.close()
    return ours


def act_verify(learner, kernel, talk, place, descriptors, cast):
    """Let verify bring each blob into a directory of its own."""
    function = learner.verify
    seen = []
    for number, descriptor in enumerate(descriptors):
        talk.step(f"verify(stream, {descriptor}, '{place}/{number}')")
        try:
            found = function(Stream(cast), dict(descriptor), f"{place}/{number}")
            seen.append(["returned", str(found)[:300]])
        except (Exception, ReadOn) as problem:
            seen.append([type(problem).__name__, str(problem)[:200]])
        cast.send(b"next")
    talk.ask("verified", seen=seen)


# --- choose ------------------------------------------------------------------------------------


def act_choose(learner, kernel, talk, cases):
    """Ask choose about each index and platform."""
    function = learner.choose
    seen = []
    for index, platform in cases:
        talk.step(f"choose(index, {platform})")
        try:
            found = function(json.loads(json.dumps(index)), dict(platform))
            seen.append(["entry", found["digest"] if isinstance(found, dict) else repr(found)])
        except LookupError as problem:
            kind = "LookupError" if type(problem) is not KeyError else "KeyError"
            seen.append([kind, str(problem)])
    talk.ask("results", seen=seen)


# --- PULL_ORDER --------------------------------------------------------------------------------


def act_pull_order(learner, kernel, talk, place, text, how):
    """Do the steps of PULL_ORDER. how: "well"; "tampered"; or the step at which it breaks off."""
    order = learner.PULL_ORDER
    if not isinstance(order, list | tuple) or sorted(map(str, order)) != sorted(STEPS):
        talk.ask("wrong", what=repr(order)[:80])
        return
    promised = sha256(text.encode()).hexdigest()
    blob, tree = f"{place}/blobs/{promised}", f"{place}/tree"
    for folder in (f"{place}/blobs", tree):
        os.makedirs(folder)
    for step in order:
        talk.doing = step
        lack = ""
        if step == "manifest":
            put(f"{place}/manifest", promised)
        elif step == "layers" and not os.path.exists(f"{place}/manifest"):
            lack = "Nobody knows yet which layers there are."
        elif step == "layers":
            whole = text[: len(text) // 2] if how == "layers" else text
            put(blob, whole.swapcase() if how == "tampered" else whole)
        elif step in ("check", "unpack") and not os.path.exists(blob):
            lack = "No layer has come yet."
        elif step == "check":
            with open(blob, "rb") as file:
                if sha256(file.read()).hexdigest() != promised:
                    break
        elif step == "unpack":
            with open(blob) as file:
                put(f"{tree}/file", file.read() if how != "unpack" else "")
        elif step == "name":
            os.symlink("tree", f"{place}/name")
        if lack:
            talk.ask("refused", step=step, text=lack)
            return
        if step == how:
            break
    talk.ask("done")


def put(path, text):
    with open(path, "w") as file:
        file.write(text)


# --- headers_for -------------------------------------------------------------------------------


def act_headers(learner, kernel, talk, cases):
    """Ask headers_for about each request."""
    function = learner.headers_for
    seen = []
    for words in cases:
        talk.step(f"headers_for({', '.join(map(repr, words))})")
        found = function(*words)
        seen.append({str(key): str(value) for key, value in found.items()}
                    if isinstance(found, dict) else repr(found)[:200])  # fmt: skip
    talk.ask("results", seen=seen)


def server(talk, name, answer):
    """Start a server in a process of its own; it tells each request's secret. Return its port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            talk.say("sent", server=name, secret=self.headers.get("Authorization", ""))
            status, headers, data = answer(self.path, self.headers.get("Authorization", ""))
            self.send_response_only(status)
            for key, value in headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *words):
            pass

    class Quiet(http.server.HTTPServer):
        def server_bind(self):
            self.socket.bind(self.server_address)
            self.server_address = self.socket.getsockname()

    made = Quiet(("127.0.0.1", 0), Handler)
    if os.fork() == 0:
        talk.say("serving", server=name)
        made.serve_forever()
    port = made.server_address[1]
    made.server_close()
    return port


def cast_dance(kernel, talk, token, user):
    """A registry, the realm that gives tokens for it, and another host that has the blobs."""
    kernel.link_up("lo")
    basic = "Basic " + base64.b64encode(user.encode()).decode()
    elsewhere = server(talk, "other host", lambda path, secret: (200, {}, b"blob"))
    place = f"http://127.0.0.1:{elsewhere}/blob"

    def registry(path, secret):
        if "/blobs/" in path:
            return 307, {"Location": place}, b""
        return (200 if secret == f"Bearer {token}" else 401), {}, b""

    def realm(path, secret):
        right = secret == basic
        return (200 if right else 401), {}, token.encode() if right else b""

    ports = [server(talk, "registry", registry), server(talk, "realm", realm)]
    return [f"http://127.0.0.1:{port}" for port in ports]


def act_dance(learner, kernel, talk, user, cast):
    """Pull as a client does: 401, a token, once more, and a redirect to another host."""
    function = learner.headers_for
    registry, realm = cast[0], f"{cast[1]}/token"
    token = ""
    talk.step("a pull: the registry, the realm, the registry, and where it redirects to")

    def get(url):
        headers = function(url, registry, realm, token, user)
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=20)
        connection.request("GET", f"{parts.path}?{parts.query}", headers=headers)
        answer = connection.getresponse()
        return answer.headers.get("Location", ""), answer.read().decode()

    get(f"{registry}/v2/lab/web/manifests/1")
    token = get(f"{realm}?service=lab&scope=repository:lab/web:pull")[1]
    get(f"{registry}/v2/lab/web/manifests/1")
    place, _ = get(f"{registry}/v2/lab/web/blobs/sha256:0")
    get(place)
    talk.ask("danced")


# --- trusted, store_is_whole -------------------------------------------------------------------


def cast_trusted(kernel, talk, keys, cases):
    for path, text in keys.items():
        put(path, text)


def act_trusted(learner, kernel, talk, cases):
    """Ask trusted about each signature."""
    function = learner.trusted
    plain = base64.b64decode
    seen = []
    for name, manifest, payload, signature, key in cases:
        talk.step(f"trusted({name!r}, manifest, payload, signature, {key!r})")
        try:
            found = function(name, plain(manifest), plain(payload), plain(signature), key)
            seen.append(repr(found)[:100])
        except Exception as problem:
            seen.append(type(problem).__name__)
    talk.ask("results", seen=seen)


def cast_stores(kernel, talk, stores, places):
    for place, files in stores.items():
        for path, data in files.items():
            os.makedirs(os.path.dirname(f"{place}/{path}"), exist_ok=True)
            with open(f"{place}/{path}", "wb") as file:
                file.write(base64.b64decode(data))


def act_stores(learner, kernel, talk, places):
    """Ask store_is_whole about each layout."""
    function = learner.store_is_whole
    seen = []
    for place in places:
        talk.step(f"store_is_whole({place!r})")
        try:
            seen.append(repr(function(place))[:100])
        except Exception as problem:
            seen.append(type(problem).__name__)
    talk.ask("results", seen=seen)
