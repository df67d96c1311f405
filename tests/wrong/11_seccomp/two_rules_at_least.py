# mistake: one rule alone is not thought of
# fails: filter_others
# says: list index out of range


def compile_filter(rules):
    program = instruction(LOAD, ARCH) + instruction(EQUAL, NATIVE, 1, 0)
    program += instruction(RETURN, KILL)
    program += instruction(LOAD, NUMBER) + instruction(AT_LEAST, X32, 0, 1)
    program += instruction(RETURN, KILL)
    items = list(rules.items())
    _a, _b = items[0], items[1]
    for number, errno in items:
        program += instruction(EQUAL, number, 0, 1) + instruction(RETURN, ERRNO | errno)
    return program + instruction(RETURN, ALLOW)
