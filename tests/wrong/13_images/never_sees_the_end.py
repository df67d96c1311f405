# mistake: it waits for bytes that never come, when the blob is short
# fails: verify_bad
# says: it reads on and on

def verify(stream, descriptor, directory):
    digest, size = hashlib.sha256(), 0
    with fresh(directory) as (write, path):
        while size < descriptor["size"]:
            piece = stream.read(min(PIECE, descriptor["size"] + 1 - size))
            size += len(piece)
            digest.update(piece)
            write(piece)
        if stream.read(1):
            raise ValueError("more came than was promised")
        if (size, f"sha256:{digest.hexdigest()}") != (descriptor["size"], descriptor["digest"]):
            raise ValueError(f"what came is not {descriptor['digest']}")
        final = os.path.join(directory, digest.hexdigest())
        os.rename(path, final)
    return final
