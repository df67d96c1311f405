# right: entries are ranked in a function of their own, and the best comes by max

def rank(entry, platform):
    if "platform" not in entry:
        return 1
    has = entry["platform"]
    if has["os"] != platform["os"] or has["architecture"] != platform["architecture"]:
        return 0
    mine, theirs = platform.get("variant", ""), has.get("variant", "")
    return 3 if mine == theirs else 2 if not mine or not theirs else 0


def choose(index, platform):
    found = index["manifests"]
    best = max(found, key=lambda entry: rank(entry, platform), default=None)
    if best is None or not rank(best, platform):
        raise LookupError([spell(entry["platform"]) for entry in found])
    return best
