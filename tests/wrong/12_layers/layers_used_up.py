# mistake: the layers are taken out of the list that the caller still has
# fails: blame
# says: changed the list of layers

def blame(path, layers):
    while layers:
        seen = seen_in(layers.pop(), path)
        number = len(layers)
        if seen == "here":
            return number, "gives"
        if seen == "hidden":
            below = blame(path, layers)
            return (number, "deletes") if below and below[1] == "gives" else below
    return None
