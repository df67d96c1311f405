# mistake: what was deleted before is said to be deleted again
# fails: blame
# says: BAD

def blame(path, layers):
    for number in reversed(range(len(layers))):
        seen = seen_in(layers[number], path)
        if seen == "here":
            return number, "gives"
        if seen == "hidden":
            return (number, "deletes") if blame(path, layers[:number]) else None
    return None
