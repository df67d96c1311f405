# mistake: the realm is compared with its query, and so never found
# fails: headers_where
# says: expected the password

def headers_for(url, registry, realm, token, password):
    if not private(url):
        return {}
    if url == realm:
        secret = "Basic " + base64.b64encode(password.encode()).decode()
        return {"Authorization": secret} if password else {}
    return {"Authorization": f"Bearer {token}"} if token and origin(url) == origin(registry) else {}
