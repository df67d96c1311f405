# mistake: whose file is the newest gives it
# fails: blame
# says: expected

def blame(path, layers):
    seen = [seen_in(layer, path) for layer in layers]
    hidden = max((n for n, word in enumerate(seen) if word == "hidden"), default=-1)
    here = [n for n, word in enumerate(seen) if word == "here" and n > hidden]
    if here:
        return max(here, key=lambda n: os.lstat(os.path.join(layers[n], path)).st_mtime), "gives"
    for number in reversed(range(len(layers))):
        if seen[number] == "hidden":
            below = blame(path, layers[:number])
            return (number, "deletes") if below and below[1] == "gives" else below
    return None
