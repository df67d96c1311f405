# right: the verdict is in the accumulator


def compile_filter(rules):
    out = [
        instruction(LOAD, ARCH),
        instruction(EQUAL, NATIVE, 1, 0),
        instruction(RETURN, KILL),
        instruction(LOAD, NUMBER),
        instruction(AT_LEAST, X32, 0, 1),
        instruction(RETURN, KILL),
    ]
    for n, e in rules.items():
        out += [instruction(EQUAL, n, 0, 2), instruction(0x00, ERRNO | e), instruction(0x16, 0)]
    return b"".join(out) + instruction(RETURN, ALLOW)
