# mistake: the password goes to the registry, as long as there is no token
# fails: headers_sent
# says: the registry hears nothing

def headers_for(url, registry, realm, token, password):
    if not private(url):
        return {}
    if (origin(url), urlsplit(url).path) == (origin(realm), urlsplit(realm).path):
        secret = "Basic " + base64.b64encode(password.encode()).decode()
        return {"Authorization": secret} if password else {}
    if not token and origin(url) == origin(registry):
        return {"Authorization": "Basic " + base64.b64encode(password.encode()).decode()}
    return {"Authorization": f"Bearer {token}"} if token and origin(url) == origin(registry) else {}
