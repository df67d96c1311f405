# mistake: the temporary file goes when the digest is wrong, but not when the disk is full
# fails: verify_bad
# says: the disk becomes full

def verify(stream, descriptor, directory):
    digest, size = hashlib.sha256(), 0
    final = os.path.join(directory, descriptor["digest"].partition(":")[2])
    with open(final + ".part", "wb") as file:
        while piece := stream.read(min(PIECE, descriptor["size"] + 1 - size)):
            size += len(piece)
            digest.update(piece)
            file.write(piece)
    if (size, f"sha256:{digest.hexdigest()}") != (descriptor["size"], descriptor["digest"]):
        os.unlink(final + ".part")
        raise ValueError(f"what came is not {descriptor['digest']}")
    os.rename(final + ".part", final)
    return final
