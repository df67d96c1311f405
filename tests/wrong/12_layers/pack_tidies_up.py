# mistake: what is in the tar is taken out of the upper directory
# fails: pack_files
# says: has changed the upper directory

_pack = pack


def pack(upper, tar, newest=None):
    _pack(upper, tar, newest)
    for path, word in sorted(changes(upper)):
        if word == "deleted":
            os.unlink(os.path.join(upper, path))
