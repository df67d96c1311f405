# mistake: only root is mapped: every other user of the image is nobody
# fails: lines
# says: not the right numbers


def map_lines(outer, sub):
    return f"0 {outer} 1\n"
