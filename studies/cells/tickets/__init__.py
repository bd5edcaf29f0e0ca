"""Pruning, rewinding and retraining, with their controls."""
