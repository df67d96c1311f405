# mistake: what was accessed when is written down, too
# fails: pack_same
# says: pax_headers

def add(archive, path, name, newest):
    info = archive.gettarinfo(path, name)
    info.uname = info.gname = ""
    if newest is not None:
        info.mtime = min(info.mtime, newest)
    info.pax_headers["ctime"] = str(os.lstat(path).st_ctime)
    for key, value in attributes(path).items():
        if not key.startswith("trusted.overlay.") and not info.islnk():
            info.pax_headers[ATTRIBUTE + key] = value.decode("utf-8", "surrogateescape")
    with open(path, "rb") if info.isreg() else contextlib.nullcontext() as data:
        archive.addfile(info, data)
