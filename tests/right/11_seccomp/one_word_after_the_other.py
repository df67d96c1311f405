# right: a list of words, packed by hand; the calls are looked at from the last to the first
def compile_filter(rules):
    words = [(LOAD, 0, 0, ARCH), (EQUAL, 0, 2, NATIVE), (LOAD, 0, 0, NUMBER), (AT_LEAST, 0, 1, X32)]
    words.append((RETURN, 0, 0, KILL))
    for number in sorted(rules, reverse=True):
        words += [(EQUAL, 0, 1, number), (RETURN, 0, 0, ERRNO + rules[number])]
    words.append((RETURN, 0, 0, ALLOW))
    return b"".join(struct.pack("=HBBI", *word) for word in words)
