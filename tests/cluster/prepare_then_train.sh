# shellcheck shell=bash
# prepare.sbatch submits a job that prepares and one that trains on the result, then interactive.sh goes on with that run.
export NCF=$program CONFIG=$config RUN=$work/run DATA=$work/ratings.h5 TRAIN=$work/train.sbatch LAUNCHER=srun
write_config
finish_after 2
awk 'BEGIN { for (u = 1; u <= 50; u++) for (i = u % 3; i < 60; i += 3) print u "," i "," 1 + (u * i) % 5 }' > ratings.csv
sed -i 's|^data: .*|data: {path: ratings.csv}|' "$config"
sed 's/^#SBATCH --cpus-per-task=1/#SBATCH --cpus-per-task=4/; s/^#SBATCH --nodes=1-4/#SBATCH --nodes=2/' \
  "$source/slurm/train.sbatch" > train.sbatch
sed 's/^#SBATCH --ntasks=8/#SBATCH --ntasks=2/; s/^#SBATCH --mem-per-cpu=2G/#SBATCH --mem-per-cpu=100M/' \
  "$source/slurm/prepare.sbatch" > prepare.sbatch
said=$(bash prepare.sbatch --train.lr 1e-3)
read -r prepare train <<< "$(sed -E 's/.*job ([0-9]+) prepares.*job ([0-9]+) trains.*/\1 \2/' <<< "$said")"
say "$said"
wait_until "the training is completed" is "$train" COMPLETED
is "$prepare" COMPLETED || fail "prepare is $(state "$prepare")"
[ "$(ranks_of_starts "$RUN")" = "4 " ] || fail "ranks: $(ranks_of_starts "$RUN")"
check_run "$RUN" 2 --train.lr 1e-3 --data.path ratings.csv

# Prepared once: the second time it is there, and the run goes on to the new end.
finish_after 4
before=$(stat -c %Y.%i "$DATA")
said=$(bash prepare.sbatch --train.lr 1e-3)
wait_until "the second training is completed" is "$((train + 2))" COMPLETED
[ "$(stat -c %Y.%i "$DATA")" = "$before" ] || fail "$DATA was made again"
check_run "$RUN" 4 --train.lr 1e-3 --data.path ratings.csv

# A preparation that fails takes the training with it.
rm "$DATA" ratings.csv
bash prepare.sbatch
wait_until "the preparation has failed" is "$((train + 3))" FAILED
wait_until "the training is cancelled" is "$((train + 4))" CANCELLED
