# right: by pathlib


def changes(upper):
    from pathlib import Path

    top = Path(upper)
    found = []
    for path in top.rglob("*"):
        info = path.lstat()
        word = (
            "deleted"
            if stat.S_ISCHR(info.st_mode) and not info.st_rdev
            else "opaque"
            if attributes(path).get("trusted.overlay.opaque", b"") == b"y"
            else "written"
        )
        found.append((str(path.relative_to(top)), word))
    found.sort()
    return found
