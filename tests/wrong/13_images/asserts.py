# mistake: a bad blob is an assert, which python -O leaves out
# fails: verify_bad
# says: AssertionError

def verify(stream, descriptor, directory):
    digest, size = hashlib.sha256(), 0
    with fresh(directory) as (write, path):
        while piece := stream.read(min(PIECE, descriptor["size"] + 1 - size)):
            size += len(piece)
            digest.update(piece)
            write(piece)
        assert (size, f"sha256:{digest.hexdigest()}") == (descriptor["size"], descriptor["digest"])
        final = os.path.join(directory, digest.hexdigest())
        os.rename(path, final)
    return final
