# mistake: a line feed between the lines, and none at the end
# fails: lines
# says: line feed


def map_lines(outer, sub):
    return f"0 {outer} 1" + (f"\n1 {sub[0]} {sub[1]}\n" if sub else "")
