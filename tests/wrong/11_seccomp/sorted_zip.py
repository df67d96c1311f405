# mistake: numbers are sorted, and their errnos are not
# fails: filter_refuses
# says: does not refuse


def compile_filter(rules):
    program = instruction(LOAD, ARCH) + instruction(EQUAL, NATIVE, 1, 0)
    program += instruction(RETURN, KILL)
    program += instruction(LOAD, NUMBER) + instruction(AT_LEAST, X32, 0, 1)
    program += instruction(RETURN, KILL)
    for number, errno in zip(sorted(rules), rules.values(), strict=False):
        program += instruction(EQUAL, number, 0, 1) + instruction(RETURN, ERRNO | errno)
    return program + instruction(RETURN, ALLOW)
