# mistake: the caller's own list is changed
# fails: optional
# says: are changed


def optional_fields(words):
    del words[:6]
    return words[: words.index("-")]
