"""Sizes of nodes: found by typing, and said in words."""
