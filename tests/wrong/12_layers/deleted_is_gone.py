# mistake: who deletes is not told
# fails: blame
# says: expected [

def blame(path, layers):
    for number in reversed(range(len(layers))):
        seen = seen_in(layers[number], path)
        if seen == "here":
            return number, "gives"
        if seen == "hidden":
            return None
    return None
