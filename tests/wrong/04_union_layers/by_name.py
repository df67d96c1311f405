# mistake: layers are put into the order of their names
# fails: options_order
# says: from

def overlay_options(layers, upper, work):
    def escaped(name):
        return name.replace("\\", "\\\\").replace(":", "\\:").replace(",", "\\,")

    lower = ":".join(escaped(layer) for layer in sorted(layers, reverse=True))
    return f"lowerdir={lower},upperdir={upper},workdir={work}"
