# mistake: 65536 ids are thought to be the most
# fails: lines
# says: right numbers


def map_lines(outer, sub):
    lines = f"0 {outer} 1\n"
    if sub:
        lines += f"1 {sub[0]} {min(sub[1], 65536)}\n"
    return lines
