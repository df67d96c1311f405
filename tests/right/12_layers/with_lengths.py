# right: each text after its length, contents streamed

def cache_key(parent, instruction, files):
    total = hashlib.sha256()

    def feed(data):
        total.update(b"%d:" % len(data))
        total.update(data)

    feed(parent.encode())
    feed(instruction.encode())
    for name, path in sorted(files.items()):
        feed(os.fsencode(name))
        with open(path, "rb") as file:
            feed(file.read())
    return total.hexdigest()
