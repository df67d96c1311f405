# mistake: an opaque mark counts only on the first directory of the path
# fails: seen_in
# says: sub is opaque

def seen_in(layer, path):
    word, here, names = "nothing", layer, path.split("/")
    for left in reversed(range(len(names))):
        here = os.path.join(here, names[-1 - left])
        if not os.path.lexists(here):
            return word
        if is_whiteout(here) or (left and not is_folder(here)):
            return "hidden"
        if left and left == len(names) - 1 and is_opaque(here):
            word = "hidden"
    return "here"
