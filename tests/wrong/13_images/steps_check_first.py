# mistake: the check comes before anything is there to check
# fails: pull_order
# says: No layer has come yet

PULL_ORDER = ["manifest", "check", "layers", "unpack", "name"]
