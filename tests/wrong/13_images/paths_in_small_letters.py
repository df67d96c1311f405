# mistake: capitals in the realm's path do not count
# fails: headers_where
# says: /Token

def headers_for(url, registry, realm, token, password):
    if not private(url):
        return {}
    if (origin(url), urlsplit(url).path.lower()) == (origin(realm), urlsplit(realm).path.lower()):
        secret = "Basic " + base64.b64encode(password.encode()).decode()
        return {"Authorization": secret} if password else {}
    return {"Authorization": f"Bearer {token}"} if token and origin(url) == origin(registry) else {}
