# mistake: a new file changes the time of its directory
# fails: folder_order
# says: another time than the layer says

FOLDER_ORDER = ["make", "times", "empty", "files"]
