# right: the number waits in the scratch memory


def compile_filter(rules):
    out = [
        instruction(LOAD, NUMBER),
        instruction(0x02, 3),
        instruction(LOAD, ARCH),
        instruction(EQUAL, NATIVE, 1, 0),
        instruction(RETURN, KILL),
        instruction(0x60, 3),
        instruction(AT_LEAST, X32, 0, 1),
        instruction(RETURN, KILL),
    ]
    for n, e in rules.items():
        out += [instruction(EQUAL, n, 0, 1), instruction(RETURN, ERRNO | e)]
    return b"".join(out) + instruction(RETURN, ALLOW)
