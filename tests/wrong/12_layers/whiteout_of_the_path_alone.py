# mistake: the whiteout of a directory above is not seen
# fails: seen_in
# says: BAD

def seen_in(layer, path):
    word, here = "nothing", layer
    names = path.split("/")
    for left in reversed(range(len(names))):
        here = os.path.join(here, names[-1 - left])
        if not os.path.lexists(here):
            return word
        if is_whiteout(here) and not left:
            return "hidden"
        if left and is_opaque(here):
            word = "hidden"
    return "here"
