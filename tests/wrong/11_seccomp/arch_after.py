# mistake: the rules come before the architecture
# fails: filter_doors
# says: whatever its number is


def compile_filter(rules):
    program = (
        instruction(LOAD, NUMBER) + instruction(AT_LEAST, X32, 0, 1) + instruction(RETURN, KILL)
    )
    for number, errno in rules.items():
        program += instruction(EQUAL, number, 0, 1) + instruction(RETURN, ERRNO | errno)
    program += (
        instruction(LOAD, ARCH) + instruction(EQUAL, NATIVE, 1, 0) + instruction(RETURN, KILL)
    )
    return program + instruction(RETURN, ALLOW)
