# mistake: the second range begins at 0 too: the ranges would overlap
# fails: lines
# says: not the right numbers


def map_lines(outer, sub):
    lines = f"0 {outer} 1\n"
    if sub:
        lines += f"0 {sub[0]} {sub[1]}\n"
    return lines
