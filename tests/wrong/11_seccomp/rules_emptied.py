# mistake: the caller's own rules are taken out one by one
# fails: filter_refuses
# says: changed the rules


def compile_filter(rules):
    program = instruction(LOAD, ARCH) + instruction(EQUAL, NATIVE, 1, 0) + instruction(RETURN, KILL)
    program += (
        instruction(LOAD, NUMBER) + instruction(AT_LEAST, X32, 0, 1) + instruction(RETURN, KILL)
    )
    while rules:
        number, errno = rules.popitem()
        program += instruction(EQUAL, number, 0, 1) + instruction(RETURN, ERRNO | errno)
    return program + instruction(RETURN, ALLOW)
