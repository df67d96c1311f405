# mistake: always EPERM
# fails: filter_others
# says: wrong verdict for the call

def compile_filter(rules):
    program = instruction(LOAD, ARCH) + instruction(EQUAL, NATIVE, 1, 0)
    program += instruction(RETURN, KILL)
    program += instruction(LOAD, NUMBER) + instruction(AT_LEAST, X32, 0, 1)
    program += instruction(RETURN, KILL)
    for number in rules:
        program += instruction(EQUAL, number, 0, 1) + instruction(RETURN, ERRNO | 1)
    return program + instruction(RETURN, ALLOW)
