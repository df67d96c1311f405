# mistake: only what is written is guarded, not what is removed
# fails: apply_hostile
# says: The archive with a deletion with .. changed files outside

def apply_layer(tar, directory):
    with tarfile.open(tar) as archive:
        for member in archive:
            word, path = meaning(member.name)
            if word == "put":
                put(archive, member, directory, place_of(directory, path))
            else:
                {"delete": remove, "empty": empty}[word](os.path.join(directory, path))
