# mistake: the backslash is escaped last, and so the escapes of the others are escaped
# fails: options_names
# says: does not mount an overlay

def overlay_options(layers, upper, work):
    names = [name.replace(":", "\\:").replace(",", "\\,").replace("\\", "\\\\") for name in layers]
    return f"lowerdir={':'.join(reversed(names))},upperdir={upper},workdir={work}"
