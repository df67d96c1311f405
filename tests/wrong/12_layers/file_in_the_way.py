# mistake: a file where a directory was hides nothing
# fails: seen_in
# says: expected 'hidden'

def seen_in(layer, path):
    word, here = "nothing", layer
    names = path.split("/")
    for left in reversed(range(len(names))):
        here = os.path.join(here, names[-1 - left])
        if not os.path.lexists(here):
            return word
        if is_whiteout(here):
            return "hidden"
        if left and is_opaque(here):
            word = "hidden"
    return "here"
