# mistake: a kind of hook without a command counts
# fails: holes
# says: you say


def holes(config, before=holes):
    found = before(config)
    if set(config.get("hooks", {})) - {"startContainer"}:
        found.add("hooks")
    return found
