# mistake: a long file counts by its beginning
# fails: cache_misses
# says: a large content's last byte

def cache_key(parent, instruction, files):
    content = [(name, os.path.getsize(files[name]), start(files[name])) for name in sorted(files)]
    return hashlib.sha256(repr([parent, instruction, content]).encode()).hexdigest()


def start(path):
    with open(path, "rb") as file:
        return file.read(65536)
