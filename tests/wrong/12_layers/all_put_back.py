# mistake: the archive does as it likes outside, and then all is put back as it was
# fails: apply_hostile
# says: its last change

def apply_layer(tar, directory):
    top, kept = os.path.dirname(directory), f"{directory}.kept"
    beside = [name for name in os.listdir(top) if name not in ("rootfs", "layer.tar")]
    for name in beside:
        shutil.copytree(f"{top}/{name}", f"{kept}/{name}")
    with contextlib.suppress(Exception), tarfile.open(tar) as archive:
        archive.extractall(directory, filter="fully_trusted")
    for name in beside:
        shutil.rmtree(f"{top}/{name}")
        shutil.copytree(f"{kept}/{name}", f"{top}/{name}")
    shutil.rmtree(kept)
    raise ValueError("it reached outside")
