# right: the archive is made in memory; names sorted by their parts

def pack(upper, tar, newest=None):
    import io
    memory = io.BytesIO()
    with tarfile.TarFile(fileobj=memory, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path, word in sorted(changes(upper), key=lambda pair: pair[0].split("/")):
            folder, name = os.path.split(path)
            if word == "deleted":
                archive.addfile(tarfile.TarInfo(f"{folder}/{DELETED}{name}" if folder else DELETED + name))
            else:
                add(archive, f"{upper}/{path}", path, newest)
            if word == "opaque":
                archive.addfile(tarfile.TarInfo(f"{path}/{OPAQUE}"))
    with open(tar, "wb") as file:
        file.write(memory.getvalue())
