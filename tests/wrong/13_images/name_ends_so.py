# mistake: the signed name may have another registry before it
# fails: trusted_no
# says: a registry whose name is longer

def trusted(name, manifest, payload, signature, key):
    if not signed(payload, signature, key):
        return False
    said = json.loads(payload)["critical"]
    digest = "sha256:" + hashlib.sha256(manifest).hexdigest()
    same = said["image"]["docker-manifest-digest"] == digest
    return same and said["identity"]["docker-reference"].endswith(name)
