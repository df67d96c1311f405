# mistake: the upper directory is given as one more lower layer
# fails: options_order
# says: does not mount an overlay

def overlay_options(layers, upper, work):
    return f"lowerdir={':'.join([upper, *reversed(layers)])},workdir={work},upperdir={upper}/upper"
