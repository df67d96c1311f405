# mistake: a call by ananother architecture is refused with an errno, and goes on trying
# fails: filter_doors
# says: another architecture must be killed


def compile_filter(rules):
    program = instruction(LOAD, ARCH) + instruction(EQUAL, NATIVE, 1, 0)
    program += instruction(RETURN, ERRNO | 1)
    program += instruction(LOAD, NUMBER) + instruction(AT_LEAST, X32, 0, 1)
    program += instruction(RETURN, KILL)
    for number, errno in rules.items():
        program += instruction(EQUAL, number, 0, 1) + instruction(RETURN, ERRNO | errno)
    return program + instruction(RETURN, ALLOW)
