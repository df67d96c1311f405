# mistake: what leads nowhere is said to be not there
# fails: seen_in
# says: expected '

def seen_in(layer, path):
    word, here = "nothing", layer
    names = path.split("/")
    for left in reversed(range(len(names))):
        here = os.path.join(here, names[-1 - left])
        if not os.path.exists(here):
            return word
        if is_whiteout(here):
            return "hidden"
        if left and is_opaque(here):
            word = "hidden"
    return "here"
