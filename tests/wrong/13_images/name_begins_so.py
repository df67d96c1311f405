# mistake: a name that begins as the signed one does is taken for it
# fails: trusted_no
# says: shorter

def trusted(name, manifest, payload, signature, key):
    if not signed(payload, signature, key):
        return False
    said = json.loads(payload)["critical"]
    digest = "sha256:" + hashlib.sha256(manifest).hexdigest()
    same = said["image"]["docker-manifest-digest"] == digest
    return same and name.startswith(said["identity"]["docker-reference"])
