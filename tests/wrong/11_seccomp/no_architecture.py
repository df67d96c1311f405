# mistake: the architecture is not looked at, so `int 0x80` is another numbering
# fails: filter_doors
# says: by another architecture gets through

def compile_filter(rules):
    program = instruction(LOAD, NUMBER) + instruction(AT_LEAST, X32, 0, 1)
    program += instruction(RETURN, KILL)
    for number, errno in rules.items():
        program += instruction(EQUAL, number, 0, 1) + instruction(RETURN, ERRNO | errno)
    return program + instruction(RETURN, ALLOW)
