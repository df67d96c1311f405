# mistake: the third number is missing
# fails: lines
# says: not the right numbers


def map_lines(outer, sub):
    lines = f"0 {outer}\n"
    if sub:
        lines += f"1 {sub[0]}\n"
    return lines
