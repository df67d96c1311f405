# right: the unconditional jump, and one place that kills

def compile_filter(rules):
    out = [(LOAD, 0, 0, ARCH), (EQUAL, 0, 3, NATIVE), (LOAD, 0, 0, NUMBER), (AT_LEAST, 1, 0, X32), (0x05, 0, 0, 1), (RETURN, 0, 0, KILL)]
    for number in sorted(rules):
        out += [(EQUAL, 0, 1, number), (RETURN, 0, 0, ERRNO + rules[number])]
    out.append((RETURN, 0, 0, ALLOW))
    return b"".join(struct.pack("HBBI", *row) for row in out)
