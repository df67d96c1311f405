# mistake: a mark that hides nothing is named all the same
# fails: blame
# says: BAD

def blame(path, layers):
    for number in reversed(range(len(layers))):
        seen = seen_in(layers[number], path)
        if seen == "here":
            return number, "gives"
        if seen == "hidden":
            return number, "deletes"
    return None
