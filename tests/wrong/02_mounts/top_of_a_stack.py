# mistake: a path leads to the top mount of a stack; the one below stays shared
# fails: private_below
# says: /tmp/tree/stack

def make_private(kernel):
    for words in mount_lines("self"):
        kernel.mount("", unescaped(words[4]), "", MS_PRIVATE)
