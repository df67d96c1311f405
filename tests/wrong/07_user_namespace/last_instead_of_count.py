# mistake: the last id outside, where the kernel wants how many
# fails: lines
# says: not the right numbers


def map_lines(outer, sub):
    lines = f"0 {outer} 1\n"
    if sub:
        lines += f"1 {sub[0]} {sub[0] + sub[1] - 1}\n"
    return lines
