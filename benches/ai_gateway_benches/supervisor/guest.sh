#!/bin/bash
# Runs in a guest: guest.sh COUNT,COUNT... KILLS. Prints `started`, `killed` (nanoseconds) and `pss`
# (kB), each with who, how many services, and the figure.
set -euo pipefail
IFS=, read -ra counts <<<"$1"
kills=$2
work=/run/bench
install -d -m 755 -o alice $work
install -m 755 /share/supervise /share/service /share/measure $work
units=/home/alice/.config/systemd/user

as_alice() {
  runuser -u alice -- env -C /home/alice HOME=/home/alice XDG_RUNTIME_DIR=/run/user/1000 "$@"
}
manager=$(systemctl show user@1000.service -p MainPID --value)
as_alice mkdir -p $units
as_alice tee $units/bench@.service >/dev/null <<UNIT
[Unit]
StartLimitIntervalSec=0

[Service]
Environment=BENCH_FIFO=$work/fifo
ExecStart=$work/service
Restart=always
RestartSec=0
UNIT
as_alice systemctl --user daemon-reload
as_alice mkfifo $work/fifo

pss() { awk -v who="$1" -v count="$2" '$1 == "Pss:" { print "pss", who, count, $2 }' "/proc/$3/smaps_rollup"; }

# measure WHO COUNT COMMAND...: kills only where there is one service, since more tell nothing new.
measure() {
  local who=$1 count=$2 n=0; shift 2
  [ "$count" != 1 ] || n=$kills
  as_alice $work/measure $work/fifo "$who" "$count" "$n" "$@"
  sleep 2
}

for count in "${counts[@]}"; do
  measure ai-gateway "$count" systemd-run --user --quiet --unit=bench-ours --property=Delegate=yes \
    --setenv=BENCH_FIFO=$work/fifo $work/supervise "$work/home-$count" "$count" /run/systemd/journal/stdout $work/service
  pss ai-gateway "$count" "$(as_alice systemctl --user show bench-ours -p MainPID --value)"
  as_alice systemctl --user stop bench-ours

  names=$(seq -f 'bench@%g.service' "$count")
  # shellcheck disable=SC2086 # one word a unit
  measure systemd "$count" systemctl --user start $names
  pss systemd "$count" "$manager"
  # shellcheck disable=SC2086
  as_alice systemctl --user stop $names
done
