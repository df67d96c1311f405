# mistake: a time before newest is moved as well
# fails: pack_same
# says: newest asks for

def add(archive, path, name, newest):
    info = archive.gettarinfo(path, name)
    info.uname = info.gname = ""
    if newest is not None:
        info.mtime = newest
    for key, value in attributes(path).items():
        if not key.startswith("trusted.overlay.") and not info.islnk():
            info.pax_headers[ATTRIBUTE + key] = value.decode("utf-8", "surrogateescape")
    with open(path, "rb") if info.isreg() else contextlib.nullcontext() as data:
        archive.addfile(info, data)
