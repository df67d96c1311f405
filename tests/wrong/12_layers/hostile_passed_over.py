# mistake: a hostile member is skipped in silence
# fails: apply_hostile
# says: did not refuse each hostile archive

def apply_layer(tar, directory):
    with tarfile.open(tar) as archive:
        for member in archive:
            try:
                word, path = meaning(member.name)
                place = place_of(directory, path)
                if word == "put":
                    put(archive, member, directory, place)
                else:
                    {"delete": remove, "empty": empty}[word](place)
            except ValueError:
                continue
