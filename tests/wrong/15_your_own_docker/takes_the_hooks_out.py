# mistake: what was looked at is removed
# fails: holes
# says: its caller still needs it


def holes(config, before=holes):
    found = before(config)
    config.pop("hooks", None)
    return found
