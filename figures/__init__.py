"""Figures from saved arrays only: nothing here can run a simulation, and JAX is never imported."""
