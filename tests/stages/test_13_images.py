"""Checks of lesson 13: blobs, indexes, secrets and signatures, from servers that may lie.

What is right is computed here, outside of the cell. Servers are processes that were there before
any learner code, and the kernel signs what they say.
"""

import base64
import gzip
import hashlib
import json
import random
import shutil
import subprocess
import tempfile

from looking_at_layers import look, text_of, token

from minidocker.course.outcomes import Fail, compared, good

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
DOCKERS_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKERS_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


def sha(data):
    return hashlib.sha256(data).hexdigest()


def descriptor(data, kind=LAYER, **more):
    return {"mediaType": kind, "digest": f"sha256:{sha(data)}", "size": len(data), **more}


BESIDE = ".coming-beside"  # a file of another pull, in each directory


def somewhere():
    return f"/tmp/images-{token()}"


# --- verify ------------------------------------------------------------------------------------


def a_case(kind, size=None, **more):
    """A blob that no file can know, and how its server treats it."""
    size = random.randrange(100_000, 300_000) if size is None else size
    return {"kind": kind, "size": size, "seed": random.getrandbits(60), **more}


def blob_of(case):
    """A gzip, as layers are, or plain bytes; the scene makes the same."""
    data = random.Random(case["seed"]).randbytes(case["size"])
    return data if case.get("plain") else gzip.compress(data, 1, mtime=0)


def verified(cell, *cases):
    """Let verify bring a blob for each case: the cell, where, and the descriptors."""
    place = somewhere()
    wanted = [descriptor(blob_of(case)) for case in cases]
    for case, what in zip(cases, wanted, strict=True):
        what["size"] += case.get("beside", 0)
    return cell("verify", place=place, cases=list(cases), descriptors=wanted), place, wanted


def given(one, count):
    """What the server was asked for, in each case."""
    found = [one.expect("given") for _ in range(count)]
    return {message["number"]: message["bytes"] for message in found}


def hashed(path):
    """The digest of a file in the cell; None where there is none."""
    try:
        with open(path, "rb") as file:
            return sha(file.read(1 << 21))
    except OSError:
        return None


def test_verify_good(subject, cell):
    cases = [a_case("good"), a_case("good", size=random.randrange(5, 900)),
             a_case("good", 1 << 16, plain=True, apart=True), a_case("good", there=True),
             a_case("good", 0, plain=True)]  # fmt: skip
    one, place, wanted = verified(cell, *cases)
    with one:
        for number, what in enumerate(wanted):
            message = one.expect("middle", "verified")
            if message.event == "verified":  # nobody asked the server for so much
                break
            hex, ran = what["digest"][7:], f"verify of a blob of {what['size']} bytes"
            if number == 0 and hex in one.files(1).names(f"{place}/{number}"):
                raise Fail("MD1302", ran=f"{ran}, of which half has come",
                           expected="a temporary name", kernel=f"{hex[:12]}… is there")  # fmt: skip
            one.answer()
        else:
            message = one.expect("verified")
        for number, what in enumerate(wanted):
            hex, ran = what["digest"][7:], f"verify of a blob of {what['size']} bytes"
            ran += ", which an earlier pull has brought" if cases[number].get("there") else ""
            folder = f"{place}/{number}"
            if message["seen"][number] != ["returned", f"{folder}/{hex}"]:
                raise Fail("MD1301", ran=ran, expected=f"{folder}/{hex}",
                           kernel=" ".join(map(str, message["seen"][number])))  # fmt: skip
            if look(one, hashed, f"{folder}/{hex}") != hex:
                raise Fail("MD1303", ran=ran, expected=f"the digest {hex[:12]}…",
                           kernel="another one, or no file")  # fmt: skip
            left = set(one.files(1).names(folder)) - {hex, BESIDE}
            if left:
                raise Fail("MD1304", ran=ran, kernel=" ".join(sorted(left)))


WORDS = {
    "tampered": "one byte is another one",
    "short": "the last bytes are missing",
    "long": "there are more bytes than the descriptor says",
    "endless": "the bytes do not end",
    "full": "the disk becomes full",
    "size": "the digest is right, and the size alone is another one",
}


def test_verify_bad(subject, cell):
    cases = [a_case(kind, by=random.randrange(1, 400)) for kind in ("tampered", "short", "long")]
    cases += [a_case("tampered", there=True), a_case("long", by=1), a_case("full")]
    cases += [a_case("size", beside=by) for by in (1, random.randrange(2, 1 << 20), -1)]
    cases.append(a_case("size", beside=random.randrange(2, 900), there=True))
    random.shuffle(cases)
    cases.append(a_case("endless"))
    one, place, wanted = verified(cell, *cases)
    with one:
        seen = one.expect("verified")["seen"]
        for number, (case, what) in enumerate(zip(cases, wanted, strict=True)):
            hex, folder = what["digest"][7:], f"{place}/{number}"
            ran = f"verify, and {WORDS[case['kind']]}"
            if seen[number][0] == "ReadOn":
                raise Fail("MD1322", ran=ran, expected="it ends at b''", kernel="it reads on and on")
            if seen[number][0] == "returned":
                raise Fail("MD1305", ran=ran, expected="an error", kernel=seen[number][1])
            if case["kind"] != "full" and seen[number][0] != "ValueError":
                raise Fail("MD1306", ran=ran, expected="ValueError", kernel=": ".join(seen[number]))
            kept = {BESIDE, *([hex] if case.get("there") else [])}
            left = set(one.files(1).names(folder)) - kept
            if left:
                raise Fail("MD1307", ran=ran, expected="the directory is as it was",
                           kernel=f"in it: {' '.join(sorted(left))[:120]}")  # fmt: skip
            if look(one, text_of, f"{folder}/{BESIDE}") != "unhurt":
                raise Fail("MD1309", ran=f"{ran}; another pull writes {BESIDE} there",
                           expected="it stays", kernel="it is gone, or another one")  # fmt: skip
            if case.get("there") and look(one, hashed, f"{folder}/{hex}") != hex:
                raise Fail("MD1309", ran=f"{ran}; an earlier pull has brought the right blob",
                           expected="it stays", kernel="it is gone, or another one")  # fmt: skip


def test_verify_bound(subject, cell):
    cases = [a_case("endless"), a_case("long", by=50_000), a_case("endless", 1 << 16, plain=True)]
    one, _, wanted = verified(cell, *cases)
    with one:
        found = given(one, len(cases))
        for number, what in enumerate(wanted):
            most = what["size"] + 1
            if found.get(number, 0) > most:
                raise Fail("MD1308", ran=f"verify of a blob of {what['size']} bytes",
                           expected=f"{most} bytes at most are read",
                           kernel=f"{found[number]} bytes were read")  # fmt: skip
            if not found.get(number):
                raise Fail("MD1303", ran="verify", expected="it reads the stream", kernel="nothing")


# --- choose ------------------------------------------------------------------------------------

ARCHITECTURES = ["amd64", "ppc64le", "s390x", "riscv64", "loong64", "mips64le", "386"]


def platform(architecture, variant="", os="linux"):
    found = {"os": os, "architecture": architecture}
    return found | ({"variant": variant} if variant else {})


def entry(which=None, kind=MANIFEST):
    """An entry of an index, with a digest that was drawn."""
    found = descriptor(token().encode(), kind)
    return found | ({"platform": which} if which else {})


def index(*entries):
    return {"schemaVersion": 2, "mediaType": INDEX, "manifests": list(entries)}


def spelt(one):
    return "/".join(filter(None, map(one.get, ("os", "architecture", "variant"))))


def told(one):
    """An entry in words."""
    return spelt(one["platform"]) if "platform" in one else "the index in the index"


def questions():
    """Pairs of (index, platform), and for each the digest of the entry that is best."""
    a, b, c, d = random.sample(ARCHITECTURES, 4)
    attestation = entry(platform("unknown", os="unknown"))
    found = []

    def ask(best, wanted, *others, ordered=False):
        """Once with the best one first, once last: no order helps a mistake, or hides it."""
        others = random.sample(others, len(others))
        found.append((index(best, *others), wanted, best))
        if not ordered:
            found.append((index(*others, best), wanted, best))

    ask(entry(platform(a)), platform(a), entry(platform(b)), entry(platform(c)), attestation)
    ask(entry(platform(a)), platform(a), entry(platform(a, os="windows")), entry(platform(b)))
    ask(entry(platform("arm", "v7")), platform("arm", "v7"), entry(platform("arm", "v6")),
        entry(platform("arm")), entry(platform("arm64", "v7")))  # fmt: skip
    ask(entry(platform("arm")), platform("arm", "v5"), entry(platform("arm", "v6")),
        entry(platform("arm", "v7")), entry(platform(d)))  # fmt: skip
    ask(entry(platform("amd64")), platform("amd64"), entry(platform("amd64", "v3")),
        entry(platform("amd64", "v2")))  # fmt: skip
    ask(entry(platform("amd64", "v3")), platform("amd64"), entry(platform("ppc64le")))
    ask(entry(platform(b)), platform(b), entry(kind=INDEX), entry(platform(c)))
    ask(entry(kind=INDEX), platform(d), entry(platform(b)), attestation)
    ask(entry(platform("arm")), platform("arm", "v7"), entry(kind=INDEX), entry(platform(b)))
    ask(entry(kind=INDEX), platform("arm", "v7"), entry(platform("arm", "v6")))
    ask(entry(platform(c)), platform(c), entry(platform(c)), entry(platform(c)), ordered=True)
    random.shuffle(found)
    return found


def chosen(cell, cases):
    with cell("choose", cases=cases) as one:
        return one.expect("results")["seen"]


def test_choose_best(subject, cell):
    asked = questions()
    seen = chosen(cell, [[index, wanted] for index, wanted, _ in asked])
    lines = []
    for (index, wanted, best), (word, found) in zip(asked, seen, strict=True):
        there = ", ".join(map(told, index["manifests"]))
        line = f"{spelt(wanted)}, of {there}"
        if [word, found] == ["entry", best["digest"]]:
            lines.append(("GOOD", line))
            continue
        other = [told(one) for one in index["manifests"] if one["digest"] == found]
        what = f"{other[0]}" if other else f"{word}: {found}"
        lines.append(("BAD", f"{line}: {what[:80]}, expected the first {told(best)}"))
    if not good(lines):
        raise Fail("MD1310", ran="choose(index, platform)", lines=lines)


def test_choose_none(subject, cell):
    a, (b, c) = "amd64", random.sample(ARCHITECTURES[1:], 2)  # nobody falls back to what is usual
    cases = [
        [index(entry(platform(a)), entry(platform(b))), platform(c)],
        [index(entry(platform(c, os="windows")), entry(platform(a))), platform(c)],
        [index(entry(platform("arm", "v7")), entry(platform("arm", "v8"))), platform("arm", "v6")],
        [index(entry(platform("arm64", "v8"))), platform("arm", "v8")],
        [index(), platform(a)],
    ]
    for (asked, wanted), (word, text) in zip(cases, chosen(cell, cases), strict=True):
        there = [spelt(one["platform"]) for one in asked["manifests"]]
        ran = f"choose for {spelt(wanted)}, of {', '.join(there) or 'nothing'}"
        if word != "LookupError":
            raise Fail("MD1311", ran=ran, expected="LookupError", kernel=f"{word}: {text[:80]}")
        if lost := [name for name in there if name not in text]:
            raise Fail("MD1312", ran=ran, expected=lost[0], kernel=text[:200])


# --- PULL_ORDER --------------------------------------------------------------------------------

BREAKS = {
    "well": "all steps of PULL_ORDER",
    "tampered": "the steps of PULL_ORDER, with a tampered layer, until one refuses it",
    "layers": "the steps of PULL_ORDER; the connection breaks off while the layers come",
    "unpack": "the steps of PULL_ORDER; the disk is full while they are unpacked",
}


def test_pull_order(subject, cell):
    for how, ran in BREAKS.items():
        place, text = somewhere(), "layer of " + token()
        with cell("pull_order", place=place, text=text, how=how) as one:
            message = one.expect("done", "wrong", "refused")
            if message.event == "wrong":
                raise Fail("MD1313", what=message["what"])
            if message.event == "refused":
                raise Fail("MD1314", step=message["step"], text=message["text"], ran=ran)
            unpacked = look(one, text_of, f"{place}/tree/file")
            names = "name" in one.files(1).names(place)
            if how == "well" and not (names and unpacked == text):
                raise Fail("MD1316", ran=ran, expected="a name for the whole image",
                           kernel="not all of it is there")  # fmt: skip
            if how == "tampered" and unpacked is not None:
                raise Fail("MD1315", ran=ran, expected="nothing is unpacked",
                           kernel=f"in the tree: {unpacked!r}")  # fmt: skip
            if how != "well" and names:
                raise Fail("MD1316", ran=ran, expected="no name", kernel="the name is there")


# --- headers_for -------------------------------------------------------------------------------


def requests():
    """(why, arguments of headers_for, what is right) of requests that a pull may make, or not."""
    host, auth, secret = (f"{word}-{token()}.example" for word in ("reg", "auth", "t"))
    registry, realm = f"https://{host}", f"https://{auth}/{token()}/token"
    user = f"me-{token()}:pä:ss >>>>>?????{token() * 7}"  # in base64 a + and a /, wherever it lies
    basic = {"Authorization": "Basic " + base64.b64encode(user.encode()).decode()}
    bearer = {"Authorization": f"Bearer {secret}"}
    port = random.randrange(2000, 9000)
    local = f"http://127.0.0.1:{port}"
    plain = f"http://{host}"

    def ask(url, wanted, registry=registry, realm=realm, token=secret, user=user):
        return url, [url, registry, realm, token, user], wanted

    return [
        ask(f"{registry}/v2/lab/web/manifests/1", bearer),
        ask(f"{registry}/v2/?realm={realm}", bearer),
        ask(f"{registry}/v2/", {}, token=""),
        ask(f"{realm}?service=lab&scope=repository:lab/web:pull", basic),
        ask(realm, basic), ask(realm, basic, token=""), ask(realm, {}, user=""),
        ask(realm.removesuffix("/token") + "/other", {}), ask(realm + "/more", {}),
        ask(realm + "/", {}), ask(realm + "/../token", {}), ask(realm.replace("/token", "/Token"), {}),
        ask(realm + "s", {}), ask(realm.replace(auth, f"{auth}:{port}"), {}),
        ask(realm.replace(auth, f"{auth}:443"), basic), ask(f"{registry}:443/v2/", bearer),
        ask(f"https://{host}.evil.example/v2/", {}), ask(f"https://evil-{host}/v2/", {}),
        ask(f"https://{host}@evil.example/v2/", {}), ask(f"https://evil.example/{host}/v2/", {}),
        ask(f"https://{auth}.evil.example{realm.removeprefix(f'https://{auth}')}", {}),
        ask(f"https://evil.example/?to={realm}", {}), ask(f"https://evil.example/?to={registry}", {}),
        ask(f"https://{auth}@evil.example{realm.removeprefix(f'https://{auth}')}", {}),
        ask(f"{registry}:{port}/v2/", {}), ask(f"http://{host}/v2/", {}),
        ask(f"http://{host}:443/v2/", {}), ask(realm.replace("https:", "http:"), {}),
        ask(f"https://storage-{token()}.example/blob?sig=1", {}),
        ask(f"{local}/v2/lab/", bearer, local, f"{local}/token"),
        ask(f"{local}/token?scope=x", basic, local, f"{local}/token"),
        ask(f"{local}/v2/token", bearer, local, f"{local}/token"),
        ask(f"http://127.0.0.1:{port + 1}/v2/", {}, local, f"{local}/token"),
        ask(f"http://127.0.0.1.evil.example:{port}/v2/", {}, local, f"{local}/token"),
        ask(f"{plain}/v2/", {}, plain), ask(f"http://{auth}/token", {}, realm=f"http://{auth}/token"),
    ]  # fmt: skip


def test_headers_where(subject, cell):
    asked = requests()
    random.shuffle(asked)
    with cell("headers", cases=[words for _, words, _ in asked]) as one:
        seen = one.expect("results")["seen"]
    lines = []
    for (url, words, wanted), found in zip(asked, seen, strict=True):
        same = isinstance(found, dict) and {k.title(): v for k, v in found.items()} == wanted
        lines.append(("GOOD", url) if same else
                     ("BAD", f"{url}: {differs(found, wanted)}, expected {shown(wanted)} "
                             f"(registry {words[1]}, realm {words[2]})"))  # fmt: skip
    if not good(lines):
        raise Fail("MD1317", ran="headers_for(url, registry, realm, token, password)",
                   lines=[line for line in lines if line[0] == "BAD"][:8])  # fmt: skip


def differs(found, wanted):
    """What is in headers, so that it can be told from what is wanted."""
    word = shown(found)
    return f"{word} in another form" if word == shown(wanted) else word


def shown(headers):
    """What is in headers, in a word or two."""
    if headers == {}:
        return "nothing"
    value = headers.get("Authorization") if isinstance(headers, dict) else None
    if value is None:
        return str(headers)[:60]
    return {"Basic": "the password", "Bearer": "the token"}.get(value.split(" ")[0], value[:60])


def test_headers_sent(subject, cell):
    secret, user = token(), f"me:{token()}"
    basic = "Basic " + base64.b64encode(user.encode()).decode()
    steps = [
        ("registry", "", "GET a manifest, without a token yet"),
        ("realm", basic, "GET a token"),
        ("registry", f"Bearer {secret}", "GET the manifest again"),
        ("registry", f"Bearer {secret}", "GET a blob, which answers 307"),
        ("other host", "", "GET the blob from where it was redirected to"),
    ]
    with cell("dance", token=secret, user=user) as one:
        serving = [one.expect("serving") for _ in range(3)]
        senders = {message["server"]: message.sender for message in serving}
        for server, wanted, ran in steps:
            message = one.expect("sent", "danced")
            if message.event == "danced" or message.sender != senders.get(server):
                raise Fail("MD1318", ran=ran, expected=f"a request to the {server}",
                           kernel="another one, or none")  # fmt: skip
            if message["secret"] != wanted:
                raise Fail("MD1318", ran=ran, expected=f"the {server} hears {heard(wanted)}",
                           kernel=f"it heard {heard(message['secret'])}")  # fmt: skip


def heard(secret):
    return shown({"Authorization": secret} if secret else {})


# --- trusted -----------------------------------------------------------------------------------


def openssl(*words, data=b""):
    done = subprocess.run(["openssl", *words], input=data, capture_output=True, check=True)
    return done.stdout


def text_of_payload(name, digest, **optional):
    """What cosign signs: a little JSON, with this form."""
    critical = {"identity": {"docker-reference": name}, "image": {"docker-manifest-digest": digest},
                "type": "cosign container image signature"}  # fmt: skip
    return json.dumps({"critical": critical, "optional": optional or None}).encode()


def manifest_of(indent=3, end=b"\n"):
    """The bytes of a manifest; who writes two of other forms anew has not the same bytes."""
    named = {"config": descriptor(token().encode(), CONFIG),
             "layers": [descriptor(token().encode())]}  # fmt: skip
    found = {"schemaVersion": 2, "mediaType": MANIFEST, **named}
    return json.dumps(found, indent=indent).encode() + end


class Signer:
    """Somebody with a key."""

    def __init__(self, folder, name):
        self.key, self.path = f"{folder}/{name}", f"/tmp/{name}-{token()}.pub"
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", self.key)
        self.public = openssl("pkey", "-in", self.key, "-pubout").decode()

    def sign(self, payload):
        return openssl("dgst", "-sha256", "-sign", self.key, data=payload)


def of(*parts):
    """Arguments of trusted, as they go into a cell."""
    name, manifest, payload, signature, key = parts
    return [name, *(base64.b64encode(part).decode() for part in (manifest, payload, signature)), key]


def ask_trusted(cell, signers, cases):
    keys = {signer.path: signer.public for signer in signers}
    with cell("trusted", keys=keys, cases=cases) as one:
        return one.expect("results")["seen"]


def a_name():
    return f"{token()[:5]}.example:{random.randrange(1024, 9999)}/lab/web{token()[:4]}"


def need_openssl(blocked):
    if not shutil.which("openssl"):
        blocked("there is no program openssl", "apt-get install openssl")


def test_trusted_yes(subject, cell, blocked):
    need_openssl(blocked)
    cases, names = [], [a_name(), a_name(), "docker.io/library/debian"]
    with tempfile.TemporaryDirectory() as folder:
        us = Signer(folder, "us")
        forms = ((2, b""), (3, b"\n"), (5, b"\n\n"))
        for name, form in zip(names, random.sample(forms, 3), strict=True):
            manifest = manifest_of(*form)
            payload = text_of_payload(name, f"sha256:{sha(manifest)}", by=token())
            cases.append(of(name, manifest, payload, us.sign(payload), us.path))
    seen = ask_trusted(cell, [us], cases)
    lines = [("GOOD", name) if answer == "True" else ("BAD", f"{name}: {answer}, expected True")
             for name, answer in zip(names, seen, strict=True)]  # fmt: skip
    if not good(lines):
        raise Fail("MD1319", ran="trusted(name, manifest, payload, signature, key)", lines=lines)


def lies(us, other):
    """What must not be believed: words → arguments of trusted."""
    name, manifest, foreign = a_name(), manifest_of(end=b""), manifest_of()
    digest = f"sha256:{sha(manifest)}"
    payload = text_of_payload(name, digest)
    signature = us.sign(payload)
    lie = text_of_payload(name, f"sha256:{sha(foreign)}")
    host, _, path = name.partition("/")
    found = {
        "another image, with the signature of the first": (name, foreign, payload, signature),
        "one byte of the manifest is another one": (name, manifest + b" ", payload, signature),
        "the manifest ends with one more newline": (name, manifest + b"\n", payload, signature),
        "the payload was changed after it was signed": (name, foreign, lie, signature),
        "somebody else has signed it": (name, foreign, lie, other.sign(lie)),
        "a signature of nothing": (name, manifest, payload, b""),
        "a signature that is none": (name, manifest, payload, b"0" * 70),
    }
    for words, signed_for in {
        "it was signed for another repository": f"{host}/lab/old",
        "it was signed for a repository whose name is longer": name + "shop",
        "it was signed for a repository whose name is shorter": name[:-1],
        "it was signed for a name in capital letters": f"{host}/{path.upper()}",
        "it was signed for another registry": f"evil.example/{path}",
        "it was signed for a registry whose name is longer": f"evil.example/{name}",
        "it was signed for a registry whose name is shorter": name[1:],
        "it was signed for a name without a registry": path,
    }.items():
        text = text_of_payload(signed_for, digest)
        found[words] = (name, manifest, text, us.sign(text))
    several = text_of_payload(name, f"{digest} sha256:{sha(foreign)}")
    found["its payload names two digests"] = (name, manifest, several, us.sign(several))
    for words, text in {
        "the key has signed something else, in JSON": b'{"order": "two pizzas"}',
        "the key has signed something else, a text": name.encode() + b" " + digest.encode(),
    }.items():
        found[words] = (name, manifest, text, us.sign(text))
    return {words: of(*parts, us.path) for words, parts in found.items()}


def test_trusted_no(subject, cell, blocked):
    need_openssl(blocked)
    with tempfile.TemporaryDirectory() as folder:
        us, other = Signer(folder, "us"), Signer(folder, "other")
        asked = lies(us, other)
        name, manifest, honest = a_name(), manifest_of(), "the same key has signed this one"
        payload = text_of_payload(name, f"sha256:{sha(manifest)}")
        asked[honest] = of(name, manifest, payload, us.sign(payload), us.path)
    words = random.sample(list(asked), len(asked))
    seen = dict(zip(words, ask_trusted(cell, [us, other], [asked[word] for word in words]),
                    strict=True))  # fmt: skip
    answer = seen.pop(honest)
    lines = [("BAD", f"{word}: True") if answer == "True" else ("GOOD", word)
             for word, answer in seen.items()]  # fmt: skip
    if not good(lines):
        raise Fail("MD1320", ran="trusted(name, manifest, payload, signature, key)", lines=lines)
    if answer != "True":  # who trusts nobody has not told the others apart
        raise Fail("MD1319", ran="trusted(name, manifest, payload, signature, key)",
                   lines=[("BAD", f"{honest}: {answer}, expected True")])  # fmt: skip


# --- store_is_whole ----------------------------------------------------------------------------


def as_json(value):
    return json.dumps(value).encode()


class Layout:
    """The files of an image layout: images of two layers, and an index in the index."""

    def __init__(self):
        self.files = {"oci-layout": b'{"imageLayoutVersion": "1.0.0"}'}
        self.layers, self.configs, self.manifests = [], [], []
        self.base = self.blob(b"base " + token().encode() * 20)
        self.entries = [self.image(self.base) for _ in range(2)]
        for kind in (INDEX, DOCKERS_INDEX):
            inner = as_json(index(self.image(self.base), self.image(self.base)))
            self.entries.append(self.blob(inner, kind))
        self.write_index()

    def write_index(self):
        self.files["index.json"] = as_json(index(*self.entries))

    def blob(self, data, kind=LAYER):
        self.files[f"blobs/sha256/{sha(data)}"] = data
        return descriptor(data, kind)

    def image(self, base):
        layer = self.blob(b"layer " + token().encode() * random.randrange(5, 50))
        said = {"os": "linux", "config": {"Cmd": ["sh"]}, "by": token()}  # of no blob, a real one's
        config, empty = self.blob(as_json(said), CONFIG), self.blob(b"")
        data = as_json({"schemaVersion": 2, "config": config, "layers": [base, layer, empty]})
        made = self.blob(data, DOCKERS_MANIFEST if self.manifests else MANIFEST)
        for kept, one in zip((self.layers, self.configs, self.manifests), (layer, config, made),
                             strict=True):  # fmt: skip
            kept.append(f"blobs/sha256/{one['digest'][7:]}")
        return made

    def change(self, path):
        """Change one byte, and keep the length; JSON stays JSON."""
        data = self.files[path]
        at = data.rindex(b'"') - 1 if path not in self.layers else random.randrange(len(data))
        self.files[path] = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def other_size(by):
    """A descriptor in the index says another size than the manifest has."""
    def change(layout):
        layout.entries[1]["size"] += by
        layout.write_index()

    return change


def size_of_a_known_one(layout):
    """One more image says another size of the layer that those before and after it name, too."""
    wrong = {**layout.base, "size": layout.base["size"] + 1}
    layout.entries.insert(1, layout.image(wrong))
    layout.write_index()


def changed_manifest(layout):
    """A manifest that is valid, and names what is there, but is not the one that was named."""
    path = layout.manifests[1]
    found = json.loads(layout.files[path])
    layout.files[path] = as_json({**found, "layers": found["layers"][::-1]})


def gone(path):
    return lambda layout: layout.files.pop(path(layout))


def cut(layout):
    layout.files[layout.layers[0]] = layout.files[layout.layers[0]][:-3]


DAMAGED = {
    "one byte of a layer is another one": lambda layout: layout.change(layout.layers[1]),
    "one byte of a configuration is another one": lambda layout: layout.change(layout.configs[0]),
    "a layer is missing": gone(lambda layout: layout.layers[0]),
    "a manifest is missing": gone(lambda layout: layout.manifests[0]),
    "a layer was cut short": cut,
    "the index says a smaller size": other_size(-1),
    "the index says a larger size": other_size(random.choice((1, 1000))),
    "one image says another size of a layer that all have": size_of_a_known_one,
    "a manifest has its layers in another order": changed_manifest,
    "an image of the index in the index lacks a layer": gone(lambda layout: layout.layers[3]),
    "an image of Docker's index in the index lacks a layer": gone(lambda layout: layout.layers[-1]),
}
WHOLE = {
    "whole": lambda layout: None,
    "whole, and whole once more": lambda layout: None,
    "whole, beside a blob that nobody names": lambda layout: layout.blob(token().encode()),
    "whole, beside a damaged blob that nobody names": lambda layout: layout.files.update(
        {f"blobs/sha256/{sha(token().encode())}": b"?"}),
}  # fmt: skip


def put_store(stores, layout):
    """Note a layout's files as a store; return its place."""
    place = somewhere()
    stores[place] = {path: base64.b64encode(data).decode() for path, data in layout.files.items()}
    return place


def test_store_whole(subject, cell):
    stores, truth = {}, {}
    for word, treat in (DAMAGED | WHOLE).items():
        layout = Layout()
        treat(layout)
        truth[put_store(stores, layout)] = word
    places = random.sample(list(stores), len(stores))
    layout.change(layout.layers[0])  # asked last: what was seen in the store before helps nobody
    places.append(put_store(stores, layout))
    truth[places[-1]] = "as the store before, but for one byte of a layer"
    with cell("stores", stores=stores, places=places) as one:
        seen = one.expect("results")["seen"]
    wanted = {truth[place]: repr(truth[place] in WHOLE) for place in places}
    lines = compared(wanted, dict(zip((truth[place] for place in places), seen, strict=True)))
    if not good(lines):
        raise Fail("MD1321", ran="store_is_whole(layout)", lines=lines)
