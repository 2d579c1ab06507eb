"""Networks as other programs define them, written anew from their public definitions: names and computation only.

They are made small in their own way: the fewest lines that give the same names, shapes and results.
"""
