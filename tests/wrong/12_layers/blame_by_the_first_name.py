# mistake: only whoever has the file itself is asked
# fails: blame
# says: BAD

def blame(path, layers):
    for number in reversed(range(len(layers))):
        place = os.path.join(layers[number], path)
        if os.path.lexists(place):
            return number, "deletes" if is_whiteout(place) else "gives"
    return None
