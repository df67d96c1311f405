"""What `--format` says: Go's templates, as Docker's users write them, read and filled in."""
