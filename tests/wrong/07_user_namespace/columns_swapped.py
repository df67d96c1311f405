# mistake: the id outside is written first
# fails: lines
# says: first two columns are swapped


def map_lines(outer, sub):
    lines = f"{outer} 0 1\n"
    if sub:
        lines += f"{sub[0]} 1 {sub[1]}\n"
    return lines
