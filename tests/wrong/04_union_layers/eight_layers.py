# mistake: more layers than eight are left out
# fails: options_names
# says: not found


def overlay_options(layers, upper, work):
    e = lambda n: n.replace("\\", "\\\\").replace(":", "\\:").replace(",", "\\,")
    return f"lowerdir={':'.join(map(e, layers[::-1][:8]))},upperdir={upper},workdir={work}"
