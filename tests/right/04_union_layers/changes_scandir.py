# right: a generator that walks by itself


def changes(upper):
    def walk(where, before=""):
        with os.scandir(where) as entries:
            for entry in entries:
                info = entry.stat(follow_symlinks=False)
                name = before + entry.name
                if stat.S_IFMT(info.st_mode) == stat.S_IFCHR and (
                    os.major(info.st_rdev),
                    os.minor(info.st_rdev),
                ) == (0, 0):
                    yield name, "deleted"
                    continue
                yield (
                    name,
                    "opaque"
                    if attributes(entry.path).get("trusted.overlay.opaque") == b"y"
                    else "written",
                )
                if entry.is_dir(follow_symlinks=False):
                    yield from walk(entry.path, name + "/")

    return sorted(walk(upper))
