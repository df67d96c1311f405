# mistake: nobody is trusted
# fails: trusted_yes
# says: expected True

def trusted(name, manifest, payload, signature, key):
    return False
