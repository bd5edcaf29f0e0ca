"""The names of all streams of random numbers: what is folded into a key, or follows a seed of NumPy's.

Numbers of one table are never folded into keys of another, so the same number may stand in several. No JAX
here, so that cells can name their streams before anything is computed.
"""

#: Streams of a replicate, folded into its key.
REPLICATE = {
    "teacher": 0, "init": 1, "data": 2, "test": 3, "random_mask": ord("m"), "other_start": ord("r"),
    "scattered": ord("s"),
}  # fmt: skip

#: Streams of a run over minibatches, folded into its key: its start, then step t as FIRST_STEP + t.
START, FIRST_STEP = 0, 1

#: Streams of a study of images, folded into the key of its seed (NumPy: [seed, role, replicate]).
RUNS, TUNING, HELD_OUT, EXAMPLES, SCORING = range(5)

#: Streams of tickets in networks of images, folded into the key of the seed (NumPy: [seed, replicate, role]).
TRAIN, VALID, TEST, ORDER = 1, 2, 3, 4

#: Streams of an example that is shown, folded into its key: its sign, noise or choice, the other label or
#: image it is mixed with, and that one's sign.
SIGN, NOISE, OTHER, OTHER_SIGN = range(4)
