"""Code of one's own: where it lies, how it is imported as it is now, and whether it may run at all."""
