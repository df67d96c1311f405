# mistake: blanks at the ends of a name are cut
# fails: options_names
# says: does not mount an overlay


def overlay_options(layers, upper, work):
    def escaped(name):
        return name.strip().replace("\\", "\\\\").replace(":", "\\:").replace(",", "\\,")

    lower = ":".join(escaped(layer) for layer in reversed(layers))
    return f"lowerdir={lower},upperdir={upper},workdir={work}"
