# mistake: whatever was signed is trusted
# fails: trusted_no
# says: True

def trusted(name, manifest, payload, signature, key):
    return signed(payload, signature, key)
