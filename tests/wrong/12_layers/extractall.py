# mistake: the archive is trusted: tarfile unpacks it all, and then the marks are obeyed
# fails: apply_hostile
# says: changed files outside

def apply_layer(tar, directory):
    with tarfile.open(tar) as archive:
        archive.extraction_filter = lambda member, path: member
        archive.extractall(directory)
        for member in archive:
            word, path = meaning(member.name)
            if word != "put":
                remove(os.path.join(directory, member.name))
                (remove if word == "delete" else empty)(os.path.join(directory, path))
