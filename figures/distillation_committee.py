"""Figures of the study distillation_committee: those of distillation, in the error."""

from figures.distillation import AXES, FIGURES, PAIR, summarise

__all__ = ["AXES", "FIGURES", "PAIR", "RECORDED", "summarise"]

RECORDED = ("test_loss",)
