# right: the table read as text, with one expression, and a walk up the stack

def optional_fields(words):
    found = []
    for word in words[6:]:
        if word == "-":
            return found
        found.append(word)


def propagation_of(pid, path):
    places = {}
    for words in mount_lines(pid):
        if unescaped(words[4]) == path:
            places[words[1]] = words
    if not places:
        raise KeyError(path)
    here = next(words for below, words in places.items()
                if below not in {other[0] for other in places.values()})
    while here[0] in places:
        here = places[here[0]]
    text = " " + " ".join(optional_fields(here))
    kinds = [kind for kind, tag in (("shared", " shared:"), ("slave", " master:"),
                                    ("unbindable", " unbindable")) if tag in text]
    return " and ".join(kinds or ["private"])


def check_private(pid):
    def groups(who):
        text = re.sub(r" - .*", " ", open(f"/proc/{who}/mountinfo").read())
        return set(re.findall(r"(?<= )shared:\d+(?= )", text))

    same = os.path.samefile(f"/proc/{pid}/ns/mnt", "/proc/self/ns/mnt")
    return not same and groups(pid).isdisjoint(groups("self"))
