# mistake: the lowest layer that has it is named
# fails: blame
# says: expected [

def blame(path, layers):
    for number in range(len(layers)):
        seen = seen_in(layers[number], path)
        if seen == "here":
            return number, "gives"
        if seen == "hidden":
            below = blame(path, layers[:number])
            return (number, "deletes") if below and below[1] == "gives" else below
    return None
