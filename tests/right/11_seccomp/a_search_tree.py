# right: a binary search by AT_LEAST instead of a list of comparisons


def compile_filter(rules):
    head = (
        instruction(LOAD, ARCH)
        + instruction(EQUAL, NATIVE, 1, 0)
        + instruction(RETURN, KILL)
        + instruction(LOAD, NUMBER)
        + instruction(AT_LEAST, X32, 0, 1)
        + instruction(RETURN, KILL)
    )

    def tree(items):
        if len(items) <= 2:
            return b"".join(
                instruction(EQUAL, n, 0, 1) + instruction(RETURN, ERRNO | e) for n, e in items
            ) + instruction(RETURN, ALLOW)
        m = len(items) // 2
        left, right = tree(items[:m]), tree(items[m:])
        return (
            instruction(AT_LEAST, items[m][0], 0, 1)
            + instruction(0x05, len(left) // 8)
            + left
            + right
        )

    return head + tree(sorted(rules.items()))
