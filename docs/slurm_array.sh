#!/bin/bash
# Ten independent SLURM jobs without a scheduler of ours; each computes every tenth block:
#
#   sbatch docs/slurm_array.sh
#   sbatch --array=3,7 docs/slurm_array.sh      # two of them again
#
# Send it again after any failure: what is finished is not computed again.
#SBATCH --array=1-10
#SBATCH --cpus-per-task=2
#SBATCH --mem=4G
#SBATCH --time=01:00:00
set -euo pipefail
jobs=10   # as in --array above; SLURM's own count is that of the jobs sent, not of the shards
python -m studies run xor_mixture --preset full --out /shared/results --shard "${SLURM_ARRAY_TASK_ID}/${jobs}"
