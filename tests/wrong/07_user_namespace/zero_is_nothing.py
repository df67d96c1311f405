# mistake: a range that begins at the id 0 is left out
# fails: lines
# says: right numbers


def map_lines(outer, sub):
    lines = f"0 {outer} 1\n"
    if sub and sub[0]:
        lines += f"1 {sub[0]} {sub[1]}\n"
    return lines
