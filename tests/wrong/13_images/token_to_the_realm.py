# mistake: the token goes to the realm as well
# fails: headers_where
# says: the token

def headers_for(url, registry, realm, token, password):
    if not private(url):
        return {}
    if (origin(url), urlsplit(url).path) == (origin(realm), urlsplit(realm).path):
        secret = "Basic " + base64.b64encode(password.encode()).decode()
        if password:
            return {"Authorization": secret}
    return {"Authorization": f"Bearer {token}"} if token and origin(url) in (origin(registry), origin(realm)) else {}
