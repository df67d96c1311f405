# mistake: the password goes to all of the realm's host
# fails: headers_where
# says: the password

def headers_for(url, registry, realm, token, password):
    if not private(url):
        return {}
    if origin(url) == origin(realm):
        secret = "Basic " + base64.b64encode(password.encode()).decode()
        return {"Authorization": secret} if password else {}
    return {"Authorization": f"Bearer {token}"} if token and origin(url) == origin(registry) else {}
