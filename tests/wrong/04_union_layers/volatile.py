# mistake: one more option: what is written is never synced
# fails: options_order
# says: more than the three


def overlay_options(layers, upper, work):
    e = lambda n: n.replace("\\", "\\\\").replace(":", "\\:").replace(",", "\\,")
    return f"lowerdir={':'.join(map(e, reversed(layers)))},upperdir={upper},workdir={work},volatile"
