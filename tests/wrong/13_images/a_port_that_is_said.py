# mistake: addresses are compared as texts, and a port that is said is not the usual one
# fails: headers_where
# says: expected the token


def headers_for(url, registry, realm, token, password):
    def same(one, other):
        a, b = urlsplit(one), urlsplit(other)
        return (a.scheme, a.netloc) == (b.scheme, b.netloc)

    found = {}
    safe = urlsplit(url).scheme == "https" or urlsplit(url).hostname in ("127.0.0.1", "localhost")
    at_realm = same(url, realm) and url.partition("?")[0] == realm.partition("?")[0]
    if safe and at_realm and password:
        found["authorization"] = "Basic " + base64.standard_b64encode(password.encode()).decode("ascii")
    elif safe and not at_realm and token and same(url, registry):
        found["authorization"] = "Bearer " + token
    return found
