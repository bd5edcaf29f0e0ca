"""Shapes are checked at run time in every package: jaxtyping with beartype, before anything is imported."""

from jaxtyping import install_import_hook

install_import_hook(("teacher_student", "curricula"), "beartype.beartype")
