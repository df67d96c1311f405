# right: short names for the layers: descriptors, as the runtime does when there are many

def overlay_options(layers, upper, work):
    found = [f"/proc/self/fd/{os.open(layer, os.O_PATH)}" for layer in layers][::-1]
    return f"upperdir={upper},workdir={work},lowerdir=" + ":".join(found)
