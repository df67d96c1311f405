# mistake: the directory is emptied before it is made: where no older layer has it, there is none
# fails: folder_order
# says: before there is a directory

FOLDER_ORDER = ["empty", "make", "files", "times"]
