# mistake: what was put in is removed again
# fails: folder_order
# says: own files are removed again

FOLDER_ORDER = ["make", "files", "empty", "times"]
