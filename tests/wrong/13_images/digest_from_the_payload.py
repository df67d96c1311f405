# mistake: the digest is taken from the payload, and compared with itself
# fails: trusted_no
# says: another image

def trusted(name, manifest, payload, signature, key):
    if not signed(payload, signature, key):
        return False
    said = json.loads(payload)["critical"]
    digest = said["image"]["docker-manifest-digest"]
    same = said["image"]["docker-manifest-digest"] == digest
    return same and said["identity"]["docker-reference"] == name
