# mistake: the digest may stand anywhere in the payload's word
# fails: trusted_no
# says: two digests

def trusted(name, manifest, payload, signature, key):
    if not signed(payload, signature, key):
        return False
    said = json.loads(payload)["critical"]
    digest = "sha256:" + hashlib.sha256(manifest).hexdigest()
    same = digest in said["image"]["docker-manifest-digest"]
    return same and said["identity"]["docker-reference"] == name
