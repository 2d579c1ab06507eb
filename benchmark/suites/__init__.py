"""Suites as files: which attacks, in which norms, at which radii."""
