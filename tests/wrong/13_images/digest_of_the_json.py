# mistake: the manifest is read and written again before it is hashed
# fails: trusted_yes
# says: expected True

def trusted(name, manifest, payload, signature, key):
    if not signed(payload, signature, key):
        return False
    said = json.loads(payload)["critical"]
    digest = "sha256:" + hashlib.sha256(json.dumps(json.loads(manifest)).encode()).hexdigest()
    same = said["image"]["docker-manifest-digest"] == digest
    return same and said["identity"]["docker-reference"] == name
