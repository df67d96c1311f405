# mistake: a link that leads nowhere is not seen
# fails: seen_in
# says: expected 'here', got 'nothing'

def seen_in(layer, path):
    word, here = "nothing", layer
    names = path.split("/")
    for left in reversed(range(len(names))):
        here = os.path.join(here, names[-1 - left])
        if not os.path.exists(here):
            return word
        if is_whiteout(here) or (left and not is_folder(here)):
            return "hidden"
        if left and is_opaque(here):
            word = "hidden"
    return "here"
