# mistake: pack writes x.wh and meaning reads x.wh: both agree, and the kernel does not
# fails: round_trip
# says: not what the kernel showed

def changes(upper):
    return sorted(
        (os.path.relpath(os.path.join(folder, name), upper), "written")
        for folder, folders, files in os.walk(upper)
        for name in folders + files
        if not (os.lstat(os.path.join(folder, name)).st_rdev == 0
                and stat.S_ISCHR(os.lstat(os.path.join(folder, name)).st_mode))
    )
