# mistake: there is no password, and "Basic " is sent
# fails: headers_where
# says: expected nothing

def headers_for(url, registry, realm, token, password):
    if not private(url):
        return {}
    if (origin(url), urlsplit(url).path) == (origin(realm), urlsplit(realm).path):
        secret = "Basic " + base64.b64encode(password.encode()).decode()
        return {"Authorization": secret}
    return {"Authorization": f"Bearer {token}"} if token and origin(url) == origin(registry) else {}
