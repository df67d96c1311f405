# mistake: the caller's own list is turned round
# fails: options_order
# says: changed the list


def overlay_options(layers, upper, work):
    def e(n):
        return n.replace("\\", "\\\\").replace(":", "\\:").replace(",", "\\,")

    layers.reverse()
    return f"lowerdir={':'.join(map(e, layers))},upperdir={upper},workdir={work}"
