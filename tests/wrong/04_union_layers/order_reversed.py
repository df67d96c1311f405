# mistake: the bottom layer stands first, as the list does
# fails: options_order
# says: BAD       x: expected 'from

def overlay_options(layers, upper, work):
    return f"lowerdir={':'.join(layers)},upperdir={upper},workdir={work}"
