# mistake: a blob that an earlier pull has brought is an error
# fails: verify_good
# says: which an earlier pull has brought

def verify(stream, descriptor, directory):
    digest, size = hashlib.sha256(), 0
    with fresh(directory) as (write, path):
        while piece := stream.read(min(PIECE, descriptor["size"] + 1 - size)):
            size += len(piece)
            digest.update(piece)
            write(piece)
        if (size, f"sha256:{digest.hexdigest()}") != (descriptor["size"], descriptor["digest"]):
            raise ValueError(f"what came is not {descriptor['digest']}")
        final = os.path.join(directory, digest.hexdigest())
        os.link(path, final)
    return final
