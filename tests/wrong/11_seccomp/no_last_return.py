# mistake: the last instruction, which allows all others, is forgotten
# fails: filter_doors
# says: The kernel does not take the filter


def compile_filter(rules):
    program = instruction(LOAD, ARCH) + instruction(EQUAL, NATIVE, 1, 0)
    program += instruction(RETURN, KILL)
    program += instruction(LOAD, NUMBER) + instruction(AT_LEAST, X32, 0, 1)
    program += instruction(RETURN, KILL)
    for number, errno in rules.items():
        program += instruction(EQUAL, number, 0, 1) + instruction(RETURN, ERRNO | errno)
    return program
