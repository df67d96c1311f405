# mistake: what stands before the @ is taken for the host
# fails: headers_where
# says: evil

def headers_for(url, registry, realm, token, password):
    if not private(url):
        return {}
    if (origin(url), urlsplit(url).path) == (origin(realm), urlsplit(realm).path):
        secret = "Basic " + base64.b64encode(password.encode()).decode()
        return {"Authorization": secret} if password else {}
    return {"Authorization": f"Bearer {token}"} if token and urlsplit(url).netloc.partition("@")[0] == urlsplit(registry).netloc else {}
