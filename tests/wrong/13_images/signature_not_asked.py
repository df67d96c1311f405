# mistake: the payload is believed without its signature
# fails: trusted_no
# says: somebody else has signed it

def trusted(name, manifest, payload, signature, key):
    said = json.loads(payload)["critical"]
    digest = "sha256:" + hashlib.sha256(manifest).hexdigest()
    same = said["image"]["docker-manifest-digest"] == digest
    return same and said["identity"]["docker-reference"] == name
