# right: the bit of x32 is tested by itself (BPF_JSET), and the thread is killed


def compile_filter(rules):
    program = instruction(LOAD, ARCH) + instruction(EQUAL, NATIVE, 1, 0) + instruction(RETURN, 0)
    program += instruction(LOAD, NUMBER) + instruction(0x45, X32 | 1 << 31, 0, 1)
    program += instruction(RETURN, 0)
    for number, errno in rules.items():
        program += instruction(EQUAL, number, 0, 1) + instruction(RETURN, ERRNO | errno)
    return program + instruction(RETURN, ALLOW)
