# mistake: TLS is asked for the token only
# fails: headers_where
# says: the password

def headers_for(url, registry, realm, token, password):
    if (origin(url), urlsplit(url).path) == (origin(realm), urlsplit(realm).path):
        secret = "Basic " + base64.b64encode(password.encode()).decode()
        return {"Authorization": secret} if password else {}
    return {"Authorization": f"Bearer {token}"} if token and private(url) and origin(url) == origin(registry) else {}
