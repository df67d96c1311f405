# mistake: the digest is taken of what is in the gzip, and not of what came
# fails: verify_good
# says: ValueError

def verify(stream, descriptor, directory):
    digest, size = hashlib.sha256(), 0
    with fresh(directory) as (write, path):
        while piece := stream.read(min(PIECE, descriptor["size"] + 1 - size)):
            size += len(piece)
            digest.update(piece)
            write(piece)
        import gzip

        with gzip.open(path) as file:
            digest = hashlib.sha256(file.read())
        if (size, f"sha256:{digest.hexdigest()}") != (descriptor["size"], descriptor["digest"]):
            raise ValueError(f"what came is not {descriptor['digest']}")
        final = os.path.join(directory, digest.hexdigest())
        os.rename(path, final)
    return final
