# mistake: a signal comes as a negative number
# fails: exit_status
# says: expected


def exit_status(status):
    code = os.waitstatus_to_exitcode(status)
    return 128 + code if code < 0 else code
