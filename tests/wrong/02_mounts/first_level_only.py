# mistake: the mounts on "/" are made private, those on them are forgotten
# fails: private_below
# says: is seen outside: at /tmp/tree/inner/spot

def make_private(kernel):
    table = mount_lines("self")
    top = next(words[0] for words in table if words[4] == "/")
    for words in table:
        depth = 1 if words[1] == top or words[4] == "/" else 2
        if depth == 1 or words[4].count("/") < 3:
            kernel.mount("", unescaped(words[4]), "", MS_PRIVATE)
