# mistake: deletions are passed over
# fails: apply_tree
# says: it should not be there

def apply_layer(tar, directory):
    with tarfile.open(tar) as archive:
        for member in archive:
            word, path = meaning(member.name)
            place = place_of(directory, path)
            if word == "put":
                put(archive, member, directory, place)
            elif word == "empty":
                empty(place)
