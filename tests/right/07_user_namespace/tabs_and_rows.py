# right: the kernel takes any white space between the numbers


def map_lines(outer, sub):
    rows = [(0, outer, 1)]
    if sub:
        first, count = sub
        rows.append((1, first, count))
    return "".join("\t".join(map(str, row)) + "\n" for row in rows)
