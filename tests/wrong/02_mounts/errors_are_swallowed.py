# mistake: a refused call is passed over in silence
# fails: private_below
# says: seen outside: at /spot and

def make_private(kernel):
    try:
        kernel.mount("", "/", "", MS_REC | MS_PRIVATE | MS_SLAVE)
    except OSError:
        pass
