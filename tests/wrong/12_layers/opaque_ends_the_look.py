# mistake: what lies in an opaque directory itself is called hidden
# fails: seen_in
# says: expected 'here'

def seen_in(layer, path):
    word, here = "nothing", layer
    names = path.split("/")
    for left in reversed(range(len(names))):
        here = os.path.join(here, names[-1 - left])
        if not os.path.lexists(here):
            return word
        if is_whiteout(here) or (left and not is_folder(here)):
            return "hidden"
        if left and is_opaque(here):
            return "hidden"
    return "here"
