# mistake: the last line does not end
# fails: lines
# says: line feed


def map_lines(outer, sub):
    lines = [f"0 {outer} 1"]
    if sub:
        lines.append(f"1 {sub[0]} {sub[1]}")
    return "\n".join(lines)
