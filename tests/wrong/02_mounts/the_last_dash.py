# mistake: the source of a mount can be a dash too
# fails: optional
# says: wrong result


def optional_fields(words):
    i = len(words) - 1 - words[::-1].index("-")
    return words[6:i]
