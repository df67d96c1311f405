# mistake: the registry in the name is not compared
# fails: trusted_no
# says: another registry

def trusted(name, manifest, payload, signature, key):
    if not signed(payload, signature, key):
        return False
    said = json.loads(payload)["critical"]
    digest = "sha256:" + hashlib.sha256(manifest).hexdigest()
    same = said["image"]["docker-manifest-digest"] == digest
    return same and said["identity"]["docker-reference"].partition("/")[2] == name.partition("/")[2]
