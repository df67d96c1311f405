# right: compared with the index register


def compile_filter(rules):
    out = [
        instruction(LOAD, ARCH),
        instruction(EQUAL, NATIVE, 1, 0),
        instruction(RETURN, KILL),
        instruction(LOAD, NUMBER),
        instruction(0x07, 0),
        instruction(AT_LEAST, X32, 0, 1),
        instruction(RETURN, KILL),
    ]
    for n, e in rules.items():
        out += [instruction(0x00, n), instruction(0x1D, 0, 0, 1), instruction(RETURN, ERRNO | e)]
    return b"".join(out) + instruction(RETURN, ALLOW)
