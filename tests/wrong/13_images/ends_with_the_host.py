# mistake: a host that ends as the registry does is taken for it
# fails: headers_where
# says: the token

def headers_for(url, registry, realm, token, password):
    if not private(url):
        return {}
    if (origin(url), urlsplit(url).path) == (origin(realm), urlsplit(realm).path):
        secret = "Basic " + base64.b64encode(password.encode()).decode()
        return {"Authorization": secret} if password else {}
    return {"Authorization": f"Bearer {token}"} if token and origin(url)[1].endswith(origin(registry)[1]) and origin(url)[::2] == origin(registry)[::2] else {}
