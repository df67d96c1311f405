# right: an object that can be called; arguments by keyword


class Setter:
    def __call__(self, kernel, name):
        kernel.unshare(flags=CLONE_NEWUTS)
        kernel.sethostname(name=name)


set_hostname = Setter()
