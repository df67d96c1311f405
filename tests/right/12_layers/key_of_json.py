# right: lists as JSON, sorted by its own option

import json


def cache_key(parent, instruction, files):
    words = {"parent": parent, "words": instruction}
    words["files"] = {name: digest(path) for name, path in files.items()}
    return hashlib.sha256(json.dumps(words, sort_keys=True).encode()).hexdigest()
