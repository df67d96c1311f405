# right: all comparisons first, sorted; each jumps to a verdict of its own at the end
def compile_filter(rules):
    rules = dict(sorted(rules.items()))
    program = instruction(LOAD, ARCH) + instruction(EQUAL, NATIVE, 1, 0)
    program += instruction(RETURN, KILL)
    program += instruction(LOAD, NUMBER) + instruction(AT_LEAST, X32, len(rules) + 1, 0)
    for number in rules:
        program += instruction(EQUAL, number, len(rules) + 1, 0)
    program += instruction(RETURN, ALLOW) + instruction(RETURN, KILL)
    return program + b"".join(instruction(RETURN, ERRNO | errno) for errno in rules.values())
