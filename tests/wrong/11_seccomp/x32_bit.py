# mistake: the bit of x32 is tested, and higher numbers lack it
# fails: filter_doors
# says: Every number from X32 on


def compile_filter(rules):
    program = instruction(LOAD, ARCH) + instruction(EQUAL, NATIVE, 1, 0)
    program += instruction(RETURN, KILL)
    program += instruction(LOAD, NUMBER) + instruction(0x45, X32, 0, 1)
    program += instruction(RETURN, KILL)
    for number, errno in rules.items():
        program += instruction(EQUAL, number, 0, 1) + instruction(RETURN, ERRNO | errno)
    return program + instruction(RETURN, ALLOW)
