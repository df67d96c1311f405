# right: it counts what is left, in small pieces

def verify(stream, descriptor, directory):
    left, digest = descriptor["size"], hashlib.new("sha256")
    with fresh(directory) as (write, path):
        while left >= 0:
            piece = stream.read(min(4096, left + 1))
            if not piece:
                break
            left -= len(piece)
            digest.update(piece)
            write(piece)
        kind, _, wanted = descriptor["digest"].partition(":")
        if left != 0 or kind != "sha256" or wanted != digest.hexdigest():
            raise ValueError("not what was promised")
        os.replace(path, f"{directory}/{wanted}")
        return f"{directory}/{wanted}"
