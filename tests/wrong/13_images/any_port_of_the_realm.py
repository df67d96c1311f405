# mistake: the password goes to each port of the realm's host
# fails: headers_where
# says: the password, expected nothing


def headers_for(url, registry, realm, token, password):
    if not private(url):
        return {}
    one, other = urlsplit(url), urlsplit(realm)
    if (one.scheme, one.hostname, one.path) == (other.scheme, other.hostname, other.path):
        secret = "Basic " + base64.b64encode(password.encode()).decode()
        return {"Authorization": secret} if password else {}
    return {"Authorization": f"Bearer {token}"} if token and origin(url) == origin(registry) else {}
