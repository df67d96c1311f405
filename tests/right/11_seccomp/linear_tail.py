# right: the calls of one errno share one RETURN


def compile_filter(rules):
    head = [
        (LOAD, ARCH, 0, 0),
        (EQUAL, NATIVE, 1, 0),
        (RETURN, KILL, 0, 0),
        (LOAD, NUMBER, 0, 0),
        (AT_LEAST, X32, 0, 1),
        (RETURN, KILL, 0, 0),
    ]
    groups = {}
    for number, errno in rules.items():
        groups.setdefault(errno, []).append(number)
    for errno, numbers in groups.items():
        for index, number in enumerate(numbers):
            last = index == len(numbers) - 1
            head.append((EQUAL, number, len(numbers) - 1 - index, 1 if last else 0))
        head.append((RETURN, ERRNO | errno, 0, 0))
    head.append((RETURN, ALLOW, 0, 0))
    return b"".join(instruction(c, k, t, f) for c, k, t, f in head)
