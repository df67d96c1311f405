"""What the kernel says about processes, mounts and cgroups: the one reader of /proc."""
