# mistake: the digest is that of the manifest with one newline at its end, whatever came
# fails: trusted_no
# says: one more newline

def trusted(name, manifest, payload, signature, key):
    if not signed(payload, signature, key):
        return False
    said = json.loads(payload)["critical"]
    digests = {
        "sha256:" + hashlib.sha256(manifest.rstrip() + end).hexdigest() for end in (b"", b"\n")
    }
    same = said["image"]["docker-manifest-digest"] in digests
    return same and said["identity"]["docker-reference"] == name
