# mistake: overlay's own attributes are kept
# fails: pack_files
# says: keeps for itself is in the layer tar

def add(archive, path, name, newest):
    info = archive.gettarinfo(path, name)
    info.uname = info.gname = ""
    for key, value in attributes(path).items():
        if not info.islnk():
            info.pax_headers[ATTRIBUTE + key] = value.decode("utf-8", "surrogateescape")
    with open(path, "rb") if info.isreg() else contextlib.nullcontext() as data:
        archive.addfile(info, data)
