# mistake: the token goes to each port of the host, and so along a redirect
# fails: headers_sent
# says: the other host hears nothing

def headers_for(url, registry, realm, token, password):
    if not private(url):
        return {}
    if (origin(url), urlsplit(url).path) == (origin(realm), urlsplit(realm).path):
        secret = "Basic " + base64.b64encode(password.encode()).decode()
        return {"Authorization": secret} if password else {}
    return {"Authorization": f"Bearer {token}"} if token and urlsplit(url).hostname == urlsplit(registry).hostname else {}
