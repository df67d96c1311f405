# mistake: pieces are read until the server ends
# fails: verify_bound
# says: bytes were read

def verify(stream, descriptor, directory):
    digest, size = hashlib.sha256(), 0
    with fresh(directory) as (write, path):
        while piece := stream.read(PIECE):
            size += len(piece)
            digest.update(piece)
            write(piece)
        if (size, f"sha256:{digest.hexdigest()}") != (descriptor["size"], descriptor["digest"]):
            raise ValueError(f"what came is not {descriptor['digest']}")
        final = os.path.join(directory, digest.hexdigest())
        os.rename(path, final)
    return final
