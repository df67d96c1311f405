# mistake: what is in the tar is taken out of the upper directory
# fails: commit_files
# says: has changed the upper directory

_commit = commit


def commit(upper, tar):
    _commit(upper, tar)
    for path, word in changes(upper):
        if word == "deleted":
            os.unlink(os.path.join(upper, path))
