# mistake: the first rule only: mkdir is refused, and mkdirat does the same
# fails: filter_refuses
# says: does not refuse the calls as it should

def compile_filter(rules):
    program = instruction(LOAD, ARCH) + instruction(EQUAL, NATIVE, 1, 0)
    program += instruction(RETURN, KILL)
    program += instruction(LOAD, NUMBER) + instruction(AT_LEAST, X32, 0, 1)
    program += instruction(RETURN, KILL)
    number, errno = next(iter(rules.items()))
    program += instruction(EQUAL, number, 0, 1) + instruction(RETURN, ERRNO | errno)
    return program + instruction(RETURN, ALLOW)
