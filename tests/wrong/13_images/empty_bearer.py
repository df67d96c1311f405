# mistake: there is no token yet, and "Bearer " is sent
# fails: headers_where
# says: expected nothing

def headers_for(url, registry, realm, token, password):
    if not private(url):
        return {}
    if (origin(url), urlsplit(url).path) == (origin(realm), urlsplit(realm).path):
        secret = "Basic " + base64.b64encode(password.encode()).decode()
        return {"Authorization": secret} if password else {}
    return {"Authorization": f"Bearer {token}"} if origin(url) == origin(registry) else {}
