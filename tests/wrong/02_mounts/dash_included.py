# mistake: the dash is taken for a field
# fails: optional
# says: '-']

def optional_fields(words):
    return words[6 : words.index("-") + 1]
