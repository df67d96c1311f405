# mistake: each name is opened and copied: two names of one file become two files
# fails: pack_files
# says: the hard link is lost

def add(archive, path, name, newest):
    info = archive.gettarinfo(path, name)
    info.uname = info.gname = ""
    if info.islnk():
        info.type, info.linkname, info.size = tarfile.REGTYPE, "", os.path.getsize(path)
    with open(path, "rb") if info.isreg() else contextlib.nullcontext() as data:
        archive.addfile(info, data)
