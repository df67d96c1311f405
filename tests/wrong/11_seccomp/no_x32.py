# mistake: x32 is forgotten: it has the same architecture and other numbers
# fails: filter_doors
# says: by the ABI x32 gets through

def compile_filter(rules):
    program = instruction(LOAD, ARCH) + instruction(EQUAL, NATIVE, 1, 0)
    program += instruction(RETURN, KILL) + instruction(LOAD, NUMBER)
    for number, errno in rules.items():
        program += instruction(EQUAL, number, 0, 1) + instruction(RETURN, ERRNO | errno)
    return program + instruction(RETURN, ALLOW)
