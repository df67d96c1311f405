# mistake: a step is missing
# fails: folder_order
# says: not a list of the four steps

FOLDER_ORDER = ["make", "empty", "files"]
