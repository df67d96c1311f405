# mistake: the loop ends before the last piece is written
# fails: verify_good
# says: another one, or no file

def verify(stream, descriptor, directory):
    digest, size = hashlib.sha256(), 0
    with fresh(directory) as (write, path):
        while piece := stream.read(min(PIECE, descriptor["size"] + 1 - size)):
            size += len(piece)
            digest.update(piece)
            if len(piece) == PIECE:
                write(piece)
        if (size, f"sha256:{digest.hexdigest()}") != (descriptor["size"], descriptor["digest"]):
            raise ValueError(f"what came is not {descriptor['digest']}")
        final = os.path.join(directory, digest.hexdigest())
        os.rename(path, final)
    return final
