# mistake: the signature is taken for one of the manifest
# fails: trusted_yes
# says: expected True

def trusted(name, manifest, payload, signature, key):
    if not signed(manifest, signature, key):
        return False
    said = json.loads(payload)["critical"]
    digest = "sha256:" + hashlib.sha256(manifest).hexdigest()
    same = said["image"]["docker-manifest-digest"] == digest
    return same and said["identity"]["docker-reference"] == name
