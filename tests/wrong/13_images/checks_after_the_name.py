# mistake: the blob is compared when it has its name
# fails: verify_bad
# says: in it:

def verify(stream, descriptor, directory):
    digest, size = hashlib.sha256(), 0
    with fresh(directory) as (write, path):
        while piece := stream.read(min(PIECE, descriptor["size"] + 1 - size)):
            size += len(piece)
            digest.update(piece)
            write(piece)
        final = os.path.join(directory, digest.hexdigest())
        os.rename(path, final)
    if (size, f"sha256:{digest.hexdigest()}") != (descriptor["size"], descriptor["digest"]):
        raise ValueError(f"what came is not {descriptor['digest']}")
    return final
