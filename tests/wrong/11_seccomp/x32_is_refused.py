# mistake: a call by x32 is refused with an errno
# fails: filter_doors
# says: x32 must be killed


def compile_filter(rules):
    program = instruction(LOAD, ARCH) + instruction(EQUAL, NATIVE, 1, 0)
    program += instruction(RETURN, KILL)
    program += instruction(LOAD, NUMBER) + instruction(AT_LEAST, X32, 0, 1)
    program += instruction(RETURN, ERRNO | 38)
    for number, errno in rules.items():
        program += instruction(EQUAL, number, 0, 1) + instruction(RETURN, ERRNO | errno)
    return program + instruction(RETURN, ALLOW)
