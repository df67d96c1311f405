# right: by recursion, two instructions in one pack


def compile_filter(rules):
    def rest(items):
        if not items:
            return struct.pack("=HBBI", RETURN, 0, 0, ALLOW)
        (number, errno), *others = items
        return struct.pack("=HBBIHBBI", EQUAL, 0, 1, number, RETURN, 0, 0, ERRNO | errno) + rest(
            others
        )

    return (
        instruction(LOAD, ARCH)
        + instruction(EQUAL, NATIVE, 1)
        + instruction(RETURN, KILL)
        + instruction(LOAD, NUMBER)
        + instruction(AT_LEAST, X32, jf=1)
        + instruction(RETURN, KILL)
        + rest(list(rules.items()))
    )
