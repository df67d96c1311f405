# mistake: the word Bearer is forgotten
# fails: headers_where
# says: expected the token

def headers_for(url, registry, realm, token, password):
    if not private(url):
        return {}
    if (origin(url), urlsplit(url).path) == (origin(realm), urlsplit(realm).path):
        secret = "Basic " + base64.b64encode(password.encode()).decode()
        return {"Authorization": secret} if password else {}
    return {"Authorization": token} if token and origin(url) == origin(registry) else {}
