# mistake: the digest is right, so the size that was promised is not looked at
# fails: verify_bad
# says: the size alone is another one

def verify(stream, descriptor, directory):
    digest, size = hashlib.sha256(), 0
    with fresh(directory) as (write, path):
        while piece := stream.read(min(PIECE, descriptor["size"] + 1 - size)):
            size += len(piece)
            digest.update(piece)
            write(piece)
        if f"sha256:{digest.hexdigest()}" != descriptor["digest"]:
            raise ValueError(f"what came is not {descriptor['digest']}")
        final = os.path.join(directory, digest.hexdigest())
        os.rename(path, final)
    return final
