# mistake: another spelling of the realm's path hears the password, too
# fails: headers_where
# says: /../token

def headers_for(url, registry, realm, token, password):
    if not private(url):
        return {}
    if (origin(url), os.path.normpath(urlsplit(url).path)) == (origin(realm), os.path.normpath(urlsplit(realm).path)):
        secret = "Basic " + base64.b64encode(password.encode()).decode()
        return {"Authorization": secret} if password else {}
    return {"Authorization": f"Bearer {token}"} if token and origin(url) == origin(registry) else {}
