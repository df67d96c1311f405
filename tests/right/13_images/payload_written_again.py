# right: what must have been signed is compared as a whole

def trusted(name, manifest, payload, signature, key):
    try:
        critical = json.loads(payload)["critical"]
        identity, image = critical["identity"], critical["image"]
    except (ValueError, KeyError, TypeError):
        return False
    wanted = {"docker-manifest-digest": "sha256:" + hashlib.sha256(manifest).hexdigest()}
    if identity != {"docker-reference": name} or image != wanted:
        return False
    with tempfile.TemporaryDirectory() as folder:
        for word, data in (("payload", payload), ("signature", signature)):
            with open(f"{folder}/{word}", "wb") as file:
                file.write(data)
        line = ["openssl", "dgst", "-sha256", "-verify", key, "-signature", "signature", "payload"]
        return subprocess.run(line, cwd=folder, capture_output=True).returncode == 0
