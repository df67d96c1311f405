# right: a lambda of islice and takewhile

from itertools import islice, takewhile

optional_fields = lambda words: list(takewhile(lambda word: word != "-", islice(words, 6, None)))
