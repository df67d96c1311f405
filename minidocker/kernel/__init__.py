"""What may be asked of Linux: the one seam between the stages and the kernel."""
