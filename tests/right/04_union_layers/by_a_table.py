# right: str.translate with a table, and the options in another order

def overlay_options(layers, upper, work):
    table = str.maketrans({c: "\\" + c for c in "\\:,"})
    return ",".join((f"workdir={work}", f"upperdir={upper}", "lowerdir=" + ":".join(one.translate(table) for one in layers[::-1])))
