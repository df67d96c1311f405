# mistake: the name or the digest, one of both is enough
# fails: trusted_no
# says: True

def trusted(name, manifest, payload, signature, key):
    if not signed(payload, signature, key):
        return False
    said = json.loads(payload)["critical"]
    digest = "sha256:" + hashlib.sha256(manifest).hexdigest()
    same = said["image"]["docker-manifest-digest"] == digest
    return same or said["identity"]["docker-reference"] == name
