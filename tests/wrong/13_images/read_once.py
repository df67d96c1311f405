# mistake: one read is taken for all of it: a socket gives what it has
# fails: verify_good
# says: ValueError

def verify(stream, descriptor, directory):
    digest, size = hashlib.sha256(), 0
    with fresh(directory) as (write, path):
        data = stream.read(descriptor["size"] + 1)
        size = len(data)
        digest.update(data)
        write(data)
        if (size, f"sha256:{digest.hexdigest()}") != (descriptor["size"], descriptor["digest"]):
            raise ValueError(f"what came is not {descriptor['digest']}")
        final = os.path.join(directory, digest.hexdigest())
        os.rename(path, final)
    return final
