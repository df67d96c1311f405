# mistake: the blob is written a second time, and the first file stays
# fails: verify_good
# says: verify left something else

def verify(stream, descriptor, directory):
    size, data = 0, b""
    while piece := stream.read(min(PIECE, descriptor["size"] + 1 - size)):
        size += len(piece)
        data += piece
    if (size, f"sha256:{hashlib.sha256(data).hexdigest()}") != (descriptor["size"], descriptor["digest"]):
        raise ValueError(f"what came is not {descriptor['digest']}")
    final = os.path.join(directory, descriptor["digest"][7:])
    for path in (final + ".tmp", final):
        with open(path, "wb") as file:
            file.write(data)
    return final
