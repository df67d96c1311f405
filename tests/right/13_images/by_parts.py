# right: addresses compared part by part, and the order is a tuple

PULL_ORDER = ("manifest", "layers", "check", "unpack", "name")


def headers_for(url, registry, realm, token, password):
    def same(one, other):
        a, b = urlsplit(one), urlsplit(other)
        usual = 443 if a.scheme == "https" else 80
        return (a.scheme, a.hostname, a.port or usual) == (b.scheme, b.hostname, b.port or usual)

    found = {}
    safe = urlsplit(url).scheme == "https" or urlsplit(url).hostname in ("127.0.0.1", "localhost")
    at_realm = same(url, realm) and urlsplit(url).path == urlsplit(realm).path
    if safe and at_realm and password:
        found["authorization"] = "Basic " + base64.standard_b64encode(password.encode()).decode("ascii")
    elif safe and not at_realm and token and same(url, registry):
        found["authorization"] = "Bearer " + token
    return found
