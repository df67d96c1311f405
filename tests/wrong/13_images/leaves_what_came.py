# mistake: a temporary file of its own, which stays when the blob is refused
# fails: verify_bad
# says: in it:

def verify(stream, descriptor, directory):
    digest, size = hashlib.sha256(), 0
    final = os.path.join(directory, descriptor["digest"].partition(":")[2])
    with open(final + ".part", "wb") as file:
        while piece := stream.read(min(PIECE, descriptor["size"] + 1 - size)):
            size += len(piece)
            digest.update(piece)
            file.write(piece)
    if (size, f"sha256:{digest.hexdigest()}") != (descriptor["size"], descriptor["digest"]):
        raise ValueError(f"what came is not {descriptor['digest']}")
    os.rename(final + ".part", final)
    return final
