# mistake: an index in the index counts as much as an image without a variant
# fails: choose_best
# says: expected the first linux/arm

def choose(index, platform):
    best, most = None, 0
    for entry in index["manifests"]:
        has = entry.get("platform")
        if has is None:
            fits = 2
        elif any(has.get(key) != platform[key] for key in ("os", "architecture")):
            fits = 0
        elif has.get("variant") == platform.get("variant"):
            fits = 3
        else:
            fits = 0 if has.get("variant") and platform.get("variant") else 2
        if fits > most:
            best, most = entry, fits
    if best is None:
        there = [spell(entry["platform"]) for entry in index["manifests"]]
        raise LookupError(f"not for {spell(platform)}, only for {', '.join(there)}")
    return best
