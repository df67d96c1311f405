# mistake: the highest layer is 0
# fails: blame
# says: BAD

def blame(path, layers):
    for number in reversed(range(len(layers))):
        seen = seen_in(layers[number], path)
        if seen == "here":
            return len(layers) - 1 - number, "gives"
        if seen == "hidden":
            below = blame(path, layers[:number])
            return (number, "deletes") if below and below[1] == "gives" else below
    return None
