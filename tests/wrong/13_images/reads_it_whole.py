# mistake: all that the server sends is read at once, and then looked at
# fails: verify_bound
# says: bytes were read

def verify(stream, descriptor, directory):
    digest, size = hashlib.sha256(), 0
    with fresh(directory) as (write, path):
        data = stream.read()
        size = len(data)
        digest.update(data)
        write(data)
        if (size, f"sha256:{digest.hexdigest()}") != (descriptor["size"], descriptor["digest"]):
            raise ValueError(f"what came is not {descriptor['digest']}")
        final = os.path.join(directory, digest.hexdigest())
        os.rename(path, final)
    return final
