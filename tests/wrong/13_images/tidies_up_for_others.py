# mistake: when a blob is wrong, it removes every file that begins with a dot: another pull's, too
# fails: verify_bad
# says: it is gone, or another one

def verify(stream, descriptor, directory):
    digest, size = hashlib.sha256(), 0
    with fresh(directory) as (write, path):
        while piece := stream.read(min(PIECE, descriptor["size"] + 1 - size)):
            size += len(piece)
            digest.update(piece)
            write(piece)
        if (size, f"sha256:{digest.hexdigest()}") != (descriptor["size"], descriptor["digest"]):
            for name in os.listdir(directory):
                if name.startswith("."):
                    os.unlink(os.path.join(directory, name))
            raise ValueError(f"what came is not {descriptor['digest']}")
        final = os.path.join(directory, digest.hexdigest())
        os.rename(path, final)
    return final
