# mistake: tabs in the words are made spaces before they are counted
# fails: cache_misses
# says: a tab or spaces

_whole = cache_key


def cache_key(parent, instruction, files):
    return _whole(parent, instruction.expandtabs(), files)
