# mistake: the newline at the manifest's end is taken off first
# fails: trusted_yes
# says: expected True

def trusted(name, manifest, payload, signature, key):
    if not signed(payload, signature, key):
        return False
    said = json.loads(payload)["critical"]
    digest = "sha256:" + hashlib.sha256(manifest.strip()).hexdigest()
    return (said["image"]["docker-manifest-digest"] == digest
            and said["identity"]["docker-reference"] == name)
