# mistake: the digest of a path is kept, and the file changes
# fails: cache_misses
# says: one content

import functools

digest = functools.cache(digest)
