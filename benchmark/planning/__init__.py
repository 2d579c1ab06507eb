"""Plans of many runs: which networks are wanted, which are there, the jobs that make the others, and their numbers.

Papers and sweeps are planned here: a network is asked for by the run that makes it, found by that run's digest, and
trained after its teachers where it is missing.
"""
