"""How the blocks of a study get computed, and what is said about it.

The engine knows cells by `studies.cell.Cell` alone, and stores what they return.
"""
