# mistake: descriptors above a limit that was lowered stay open
# fails: closed
# says: stay open across execve


def close_inherited(first):
    import resource

    for number in range(first, resource.getrlimit(resource.RLIMIT_NOFILE)[0]):
        try:
            os.set_inheritable(number, False)
        except OSError:
            continue
