# mistake: there is thought to be one optional field, always
# fails: optional
# says: optional_fields gives a wrong result

def optional_fields(words):
    return [words[6]]
