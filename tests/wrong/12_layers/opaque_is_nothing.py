# mistake: an opaque directory is taken for any other
# fails: seen_in
# says: nothing

def seen_in(layer, path):
    word, here = "nothing", layer
    names = path.split("/")
    for left in reversed(range(len(names))):
        here = os.path.join(here, names[-1 - left])
        if not os.path.lexists(here):
            return word
        if is_whiteout(here) or (left and not is_folder(here)):
            return "hidden"
        if False:
            word = "hidden"
    return "here"
