# mistake: ":" and "," in names are not thought of
# fails: options_names
# says: does not mount an overlay

def overlay_options(layers, upper, work):
    return f"lowerdir={':'.join(reversed(layers))},upperdir={upper},workdir={work}"
