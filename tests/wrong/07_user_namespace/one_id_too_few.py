# mistake: the count is thought to begin with the root
# fails: lines
# says: right numbers


def map_lines(outer, sub):
    return f"0 {outer} 1\n" + (f"1 {sub[0]} {sub[1] - 1}\n" if sub else "")
