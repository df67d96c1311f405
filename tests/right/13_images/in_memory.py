# right: small pieces are kept in memory, and the file is written when all is right

def verify(stream, descriptor, directory):
    data = b""
    while len(data) <= descriptor["size"]:
        piece = stream.read(min(4096, descriptor["size"] + 1 - len(data)))
        if piece == b"":
            break
        data += piece
    hex = hashlib.sha256(data).hexdigest()
    if len(data) != descriptor["size"] or "sha256:" + hex != descriptor["digest"]:
        raise ValueError(hex)
    with fresh(directory) as (write, path):
        write(data)
        os.replace(path, os.path.join(directory, hex))
    return os.path.join(directory, hex)
