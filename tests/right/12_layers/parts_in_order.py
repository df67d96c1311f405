# right: names sorted by their parts, and the archive written by hand in the end

import io


def pack(upper, tar, newest=None):
    kept = io.BytesIO()
    archive = tarfile.TarFile(fileobj=kept, mode="w")
    for path, word in sorted(changes(upper), key=lambda one: one[0].split("/")):
        where, last = os.path.split(path)
        if word != "deleted":
            add(archive, f"{upper}/{path}", path, newest)
        if word != "written":
            name = f"{path}/{OPAQUE}" if word == "opaque" else os.path.join(where, DELETED + last)
            archive.addfile(tarfile.TarInfo(name), None)
    archive.close()
    with open(tar, "wb") as file:
        file.write(kept.getvalue())
