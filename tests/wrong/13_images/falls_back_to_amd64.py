# mistake: what is not there falls back to amd64, which "runs everywhere"
# fails: choose_none
# says: LookupError

def choose(index, platform):
    ranks = []
    for number, entry in enumerate(index["manifests"]):
        has = entry.get("platform")
        if has is None:
            ranks.append((1, -number))
        elif any(has.get(key) != platform[key] for key in ("os", "architecture")):
            ranks.append((0, -number))
        elif has.get("variant") == platform.get("variant"):
            ranks.append((3, -number))
        else:
            ranks.append((0 if has.get("variant") and platform.get("variant") else 2, -number))
    best = max(ranks, default=(0, 0))
    if best[0]:
        return index["manifests"][-best[1]]
    for entry in index["manifests"]:
        if entry["platform"]["architecture"] == "amd64" and entry["platform"]["os"] == "linux":
            return entry
    there = [spell(entry["platform"]) for entry in index["manifests"]]
    raise LookupError(f"not for {spell(platform)}, only for {', '.join(there)}")
