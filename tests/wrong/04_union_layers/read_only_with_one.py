# mistake: an image of one layer gets no upper directory
# fails: options_order
# says: upper


def overlay_options(layers, upper, work):
    e = lambda n: n.replace("\\", "\\\\").replace(":", "\\:").replace(",", "\\,")
    if len(layers) == 1:
        return f"lowerdir={e(layers[0])}"
    return f"lowerdir={':'.join(map(e, reversed(layers)))},upperdir={upper},workdir={work}"
