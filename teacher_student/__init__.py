"""The world: tasks drawn from a teacher, students that learn them, and the ways to simulate learning.

Nothing here knows what a curriculum is: a training run takes a schedule (one difficulty level per
step) as an argument. Modules are imported where they are needed, so importing the package is free:

>>> from teacher_student.tasks.xor_mixture import XorMixture
>>> from teacher_student.students.two_layer import TwoLayer
>>> from teacher_student.training.simulate import simulate
"""
