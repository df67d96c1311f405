# mistake: 0 is a call's number too, and counts as nothing in an if
# fails: filter_others
# says: number 0


def compile_filter(rules):
    program = instruction(LOAD, ARCH) + instruction(EQUAL, NATIVE, 1, 0) + instruction(RETURN, KILL)
    program += (
        instruction(LOAD, NUMBER) + instruction(AT_LEAST, X32, 0, 1) + instruction(RETURN, KILL)
    )
    for number, errno in rules.items():
        if number:
            program += instruction(EQUAL, number, 0, 1) + instruction(RETURN, ERRNO | errno)
    return program + instruction(RETURN, ALLOW)
