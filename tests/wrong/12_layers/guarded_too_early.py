# mistake: all names are asked for before the first is written: then there is no link yet
# fails: apply_hostile
# says: a link, then a file through it

def apply_layer(tar, directory):
    with tarfile.open(tar) as archive:
        plan = []
        for member in archive:
            word, path = meaning(member.name)
            plan.append((member, word, place_of(directory, path)))
        for member, word, place in plan:
            if word == "put":
                put(archive, member, directory, place)
            else:
                {"delete": remove, "empty": empty}[word](place)
