# right: a bytearray, sorted by number


def compile_filter(rules):
    p = bytearray()
    p += instruction(LOAD, ARCH) + instruction(EQUAL, NATIVE, 1, 0) + instruction(RETURN, KILL)
    p += instruction(LOAD, NUMBER) + instruction(AT_LEAST, X32, 0, 1) + instruction(RETURN, KILL)
    for n, e in sorted(rules.items()):
        p += instruction(EQUAL, n, 0, 1) + instruction(RETURN, ERRNO + e)
    p += instruction(RETURN, ALLOW)
    return p
