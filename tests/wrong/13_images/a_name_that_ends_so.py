# mistake: a payload for a shorter name is taken: lab/web for evil.example/lab/web
# fails: trusted_no
# says: shorter


def trusted(name, manifest, payload, signature, key):
    if not signed(payload, signature, key):
        return False
    said = json.loads(payload)["critical"]
    same = said["image"]["docker-manifest-digest"] == "sha256:" + hashlib.sha256(manifest).hexdigest()
    return same and name.endswith(said["identity"]["docker-reference"])
