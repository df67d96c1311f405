# mistake: only the first ":" of a name gets its backslash
# fails: options_names
# says: ran


def overlay_options(layers, upper, work):
    def e(n):
        return n.replace("\\", "\\\\").replace(":", "\\:", 1).replace(",", "\\,", 1)

    return f"lowerdir={':'.join(map(e, reversed(layers)))},upperdir={upper},workdir={work}"
