# %% [markdown]
# # From laptop to cluster and GPU
#
# One description of a study runs on one core, on several processes, on all devices of a host and on a
# cluster, to the same bits. Everything below is the command line; the study is small, so that it runs
# while this page is made.

# %%
import os
import subprocess
import sys
import tempfile

os.chdir(tempfile.mkdtemp())  # a folder to play in


def shell(line):
    """Run a command and show what it says."""
    print("$", line)
    words = line.replace("python", sys.executable, 1).split()
    done = subprocess.run(words, capture_output=True, text=True)
    print((done.stdout + done.stderr).strip())


small = "--n_inputs 60 --budget 40 --width 2,4 --replicates 8 --protocol curriculum,no_curriculum"
shell(f"python -m studies where xor_mixture {small}")

# %% [markdown]
# ## Parts of a study
#
# `--shard I/N` computes every N-th block, from the I-th: an array job of any queue needs no more. Here
# the first half.

# %%
shell(f"python -m studies run xor_mixture {small} --shard 1/2")
shell(f"python -m studies status xor_mixture {small}")

# %% [markdown]
# The rest may be computed anywhere that sees the folder, at the same time as well: a block is claimed
# by who computes it. `--workers 2` would do it in two processes, `--devices all` on all GPUs,
# `--cluster FILE` as jobs of a queue ([clusters](../cluster.md)).

# %%
shell(f"python -m studies run xor_mixture {small} --shard 2/2")

# %% [markdown]
# ## Trust
#
# `verify` computes cells again and compares bits, here or on another machine.

# %%
shell(f"python -m studies verify xor_mixture {small} --cells 1")

# %% [markdown]
# ## Take it along
#
# One labelled file for other programs, one page for readers.

# %%
shell("python -m studies export xor_mixture --to xor.nc")
shell("python -m studies report xor_mixture --to xor.html")
