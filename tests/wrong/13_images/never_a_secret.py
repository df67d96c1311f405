# mistake: no secret is sent at all
# fails: headers_sent
# says: the realm hears the password

def headers_for(url, registry, realm, token, password):
    return {}
