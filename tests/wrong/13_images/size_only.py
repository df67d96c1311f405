# mistake: the size is right, so it must be the blob
# fails: verify_bad
# says: one byte is another one

def verify(stream, descriptor, directory):
    digest, size = hashlib.sha256(), 0
    with fresh(directory) as (write, path):
        while piece := stream.read(min(PIECE, descriptor["size"] + 1 - size)):
            size += len(piece)
            digest.update(piece)
            write(piece)
        if size != descriptor["size"]:
            raise ValueError(f"what came is not {descriptor['digest']}")
        final = os.path.join(directory, descriptor["digest"][7:])
        os.rename(path, final)
    return final
