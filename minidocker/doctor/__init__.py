"""The doctor: what this machine can show, and the line that helps where it cannot."""
