# mistake: the blob comes to /tmp, and rename(2) leads to no other file system
# fails: verify_good
# says: OSError

def verify(stream, descriptor, directory):
    digest, size = hashlib.sha256(), 0
    with fresh("/tmp") as (write, path):
        while piece := stream.read(min(PIECE, descriptor["size"] + 1 - size)):
            size += len(piece)
            digest.update(piece)
            write(piece)
        if (size, f"sha256:{digest.hexdigest()}") != (descriptor["size"], descriptor["digest"]):
            raise ValueError(f"what came is not {descriptor['digest']}")
        final = os.path.join(directory, digest.hexdigest())
        os.rename(path, final)
    return final
