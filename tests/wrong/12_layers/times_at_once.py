# mistake: each directory gets its time at once, and new files change it
# fails: apply_times
# says: do not have the times that the layer says

def apply_layer(tar, directory):
    with tarfile.open(tar) as archive:
        for member in archive:
            word, path = meaning(member.name)
            place = place_of(directory, path)
            if word == "put":
                put(archive, member, directory, place)
            else:
                {"delete": remove, "empty": empty}[word](place)
