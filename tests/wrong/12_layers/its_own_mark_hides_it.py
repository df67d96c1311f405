# mistake: an opaque directory is thought to hide itself
# fails: seen_in
# says: expected 'here'


def seen_in(layer, path, before=seen_in):
    found = before(layer, path)
    here = os.path.join(layer, path)
    return "hidden" if found == "here" and os.path.isdir(here) and is_opaque(here) else found
