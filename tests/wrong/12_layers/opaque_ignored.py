# mistake: the opaque mark is passed over when a layer is applied
# fails: apply_tree
# says: Files of older layers are still in a directory

def apply_layer(tar, directory):
    with tarfile.open(tar) as archive:
        for member in archive:
            word, path = meaning(member.name)
            place = place_of(directory, path)
            if word == "put":
                put(archive, member, directory, place)
            elif word == "delete":
                remove(place)
