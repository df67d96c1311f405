# mistake: an opaque directory is called hidden, and it is the one that is seen
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
        if is_opaque(here):
            word = "hidden"
    return word if word == "hidden" else "here"
