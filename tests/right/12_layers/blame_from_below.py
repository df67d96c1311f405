# right: every layer in turn, from the lowest: what is known of the path changes with each

def blame(path, layers):
    known = None
    for number, layer in enumerate(layers):
        names = path.split("/")
        tops = [os.path.join(layer, *names[: depth + 1]) for depth in range(len(names))]
        gone = False
        for place in tops[:-1]:
            if not os.path.lexists(place):
                break
            if os.path.islink(place) or not os.path.isdir(place) or is_opaque(place):
                gone = True
                if os.path.islink(place) or not os.path.isdir(place):
                    break
        else:
            if os.path.lexists(tops[-1]):
                gone = is_whiteout(tops[-1])
                if not gone:
                    known = (number, "gives")
                    continue
        if gone and known and known[1] == "gives":
            known = (number, "deletes")
    return known
