# mistake: the blob gets its name before the first byte has come
# fails: verify_good
# says: a temporary name

def verify(stream, descriptor, directory):
    digest, size = hashlib.sha256(), 0
    final = os.path.join(directory, descriptor["digest"].partition(":")[2])
    with open(final, "wb") as file:
        while piece := stream.read(min(PIECE, descriptor["size"] + 1 - size)):
            size += len(piece)
            digest.update(piece)
            file.write(piece)
    if (size, f"sha256:{digest.hexdigest()}") != (descriptor["size"], descriptor["digest"]):
        os.unlink(final)
        raise ValueError(f"what came is not {descriptor['digest']}")
    return final
