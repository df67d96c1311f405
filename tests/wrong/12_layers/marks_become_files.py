# mistake: everything is unpacked, marks too
# fails: apply_tree
# says: lie in the tree as if they were files

def apply_layer(tar, directory):
    with tarfile.open(tar) as archive:
        for member in archive:
            put(archive, member, directory, place_of(directory, member.name))
