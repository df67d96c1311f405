# mistake: the password goes as it is, without base64
# fails: headers_where
# says: the password in another form

def headers_for(url, registry, realm, token, password):
    if not private(url):
        return {}
    if (origin(url), urlsplit(url).path) == (origin(realm), urlsplit(realm).path):
        secret = "Basic " + password
        return {"Authorization": secret} if password else {}
    return {"Authorization": f"Bearer {token}"} if token and origin(url) == origin(registry) else {}
