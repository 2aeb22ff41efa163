#!/bin/bash
# shellcheck disable=SC2317 # `check` calls functions by their names
# The supervisor under a real systemd, with services that misbehave when they are told to.
#
#   light.sh user|system WHERE
mode=$1 where=$2
# shellcheck source=lib.sh
. /share/scripts/lib.sh

[ "$mode" = user ] || add_system_user
install -m 755 /share/scripts/worker /usr/local/bin/worker
install_program /share/light-gateway
[ "$mode" = system ] || as_owner mkdir -p "$(dirname "$config")"
[ "$mode" = user ] || install -d -o ai-gateway -g ai-gateway /etc/ai-gateway
install -o "$owner" -g "$owner" -m 600 /share/scripts/light.toml "$config"
install_unit

order() { as_owner timeout 5 bash -c "echo $2 >$state/services/$1/orders"; }
pid_of() { status_of services "$1" pid; }
all_ready() { is_status ready state; }

verify() {
  local said
  said=$(ctl_analyze verify --man=no "$units/ai-gateway.service" 2>&1) || { echo "$said"; return 1; }
  [ -z "$said" ] || { echo "$said"; return 1; }
}
security() { ctl_analyze security --no-pager ai-gateway.service 2>&1 | tail -n 1; }

# == start
ctl daemon-reload
ctl enable -q ai-gateway.service
check 'start succeeds' ctl start ai-gateway
check 'start returns when everything is ready' all_ready
check 'the manager says that it is active' same active "$(property ActiveState)"
check 'systemctl status shows how far it is' says 'Status: "7 of 7 ready' ctl status --no-pager ai-gateway

# == cgroups
check 'the unit is where the contract says' same "$unit_group" "$(property ControlGroup)"
tree=$(systemd-cgls --no-pager "$unit_group")
for name in supervisor web steady hog tight forker spinner leaky; do
  check "systemd-cgls shows $name" says "─$name" printf %s "$tree"
done
check 'status names the cgroup' is_status "$unit_group/hog" services hog cgroup
check 'limits are enforced' is_status true limits enforced
check 'memory.max is written, in whole pages' same $((40000000 / 4096 * 4096)) "$(group_file hog memory.max)"
check 'memory.oom.group is written' same 1 "$(group_file hog memory.oom.group)"
check 'pids.max is written' same 30 "$(group_file forker pids.max)"
check 'cpu.max is written' same '20000 100000' "$(group_file spinner cpu.max)"
witness() { "$program" witness "$unit_group/$1"; }
check 'another library reads the limit of memory' says "memory.max $((40000000 / 4096 * 4096))" witness hog
check 'and of the processor' says 'cpu.max 20000 100000' witness spinner
check 'and its weight' says 'cpu.weight 50' witness spinner
check 'and of processes' says 'pids.max Value(30)' witness forker
check 'and finds the processes' not says 'processes 0' witness steady
check 'cpu.weight is written' same 50 "$(group_file spinner cpu.weight)"
check 'the daemon is in a leaf of its own' same "0::$unit_group/supervisor" "$(cat "/proc/$(property MainPID)/cgroup")"

# == journal
check 'a service has its own identifier' says 'worker is ready' of_unit -t steady
check 'a service that nobody reads along with has one too' says 'worker is ready' of_unit -t hog
check 'the daemon has its own' says 'hog is ready' of_unit -t ai-gateway
check 'logs shows them all' says 'worker is ready' gateway logs
check 'logs shows one' says 'worker is ready' gateway logs hog

# == memory
steady=$(pid_of steady) hog=$(pid_of hog)
order hog eat
check 'a service that eats its memory comes back' within 60 is_status 1 services hog restarts
check 'status says why' says 'out of memory' gateway why hog
check 'the journal says why' says 'out of memory' of_unit -t ai-gateway
check 'it is ready again' within 20 is_status ready services hog state
check 'its whole group was killed' not kill -0 "$hog"
check 'its neighbour was not' same "$steady" "$(pid_of steady)"
check 'the unit goes on' same active "$(property ActiveState)"

order tight swell
sees_high() { [ "$(event_count tight memory.events high)" -gt 0 ]; }
check 'memory.high throttles' within 60 sees_high
check 'and kills nobody' same 0 "$(event_count tight memory.events oom_kill)"

# == a leak
steady=$(pid_of steady) leaky=$(pid_of leaky)
order leaky leak
check 'a service that leaks is restarted' within 90 is_status 1 services leaky restarts
check 'it is ready again' within 20 is_status ready services leaky state
check 'why says why, with numbers' says 'restarted by plan' gateway why leaky
check 'the kernel had to kill nobody for it' not says 'killed by the kernel' gateway why leaky
leaks=d16eda1019af452594186d481b00ad94
check 'the journal knows it by its MESSAGE_ID' says 'leaky is stopping: restarted by plan' of_unit "MESSAGE_ID=$leaks"
check 'nothing of it is left' not kill -0 "$leaky"
check 'its neighbour was not touched' same "$steady" "$(pid_of steady)"
check 'nobody else was restarted for a leak' same 1 "$(of_unit -o cat "MESSAGE_ID=$leaks" | wc -l)"
printf '# %s: %s\n' "$where" "$(of_unit -o cat "MESSAGE_ID=$leaks")"
sleep 10
check 'it is not restarted again' is_status 1 services leaky restarts

# == processes
order forker fork
at_limit() { [ "$(event_count forker pids.events max)" -gt 0 ]; }
check 'a fork bomb meets pids.max' within 60 at_limit
check 'and stays within it' most 30 "$(group_file forker pids.current)"
check 'the daemon answers beside it' all_ready

# == processor
order spinner spin
before=$(event_count spinner cpu.stat usage_usec)
sleep 5
after=$(event_count spinner cpu.stat usage_usec)
check 'a busy loop stays within cpu.max' most 1400000 $((after - before))
check 'and it was throttled' not same 0 "$(event_count spinner cpu.stat nr_throttled)"
check 'others answer beside it' curl -sf -m 2 -o /dev/null http://127.0.0.1:8100/

# == reload
steady=$(pid_of steady) web=$(pid_of web)
sed -i 's/COLOUR = "red"/COLOUR = "blue"/' "$config"
check 'reload succeeds' ctl reload ai-gateway
check 'what has not changed runs on' same "$web" "$(pid_of web)"
check 'what has changed is another process' not same "$steady" "$(pid_of steady)"
check 'with the new environment' says COLOUR=blue cat "/proc/$(pid_of steady)/environ"
hog=$(pid_of hog)
sed -i 's/memory_max = "40 MB"/memory_max = "100 MB"/' "$config"
check 'what a reload would do is told' says 'hog goes on' gateway reload --dry-run
check 'a reload with a new limit succeeds' ctl reload ai-gateway
check 'the limit holds at once' same $((100000000 / 4096 * 4096)) "$(group_file hog memory.max)"
check 'and the process is the same' same "$hog" "$(pid_of hog)"
order hog swell
holds() { [ "$(group_file hog memory.current)" -gt 48000000 ]; }
check 'the service fills it' within 60 holds
sed -i 's/memory_max = "100 MB"/memory_max = "40 MB"/' "$config"
check 'a limit below what is held is told to take a restart' says 'and its new limit is 40 MB' gateway reload --dry-run
check 'a reload with a limit below what is held succeeds' ctl reload ai-gateway
check 'then another process has it' not same "$hog" "$(pid_of hog)"
check 'the journal says why' says 'hog restarts: it holds' of_unit -t ai-gateway
check 'nobody was killed for it' is_status 1 services hog restarts
check 'and the limit holds' same $((40000000 / 4096 * 4096)) "$(group_file hog memory.max)"

# == a daemon that is killed
main=$(property MainPID)
members=$(cat "/sys/fs/cgroup$unit_group"/*/cgroup.procs)
kill -KILL "$main"
restarted() { [ "$(property NRestarts)" = 1 ] && [ "$(property ActiveState)" = active ]; }
check 'a killed daemon is started again' within 60 restarted
check 'its services come back' within 20 all_ready
# shellcheck disable=SC2086
check 'nobody of before is left' same '' "$(ps -o pid=,args= -p "$(echo $members | tr ' ' ,)")"

# == a daemon that is stuck
install -d "$units/ai-gateway.service.d"
printf '[Service]\nWatchdogSec=5s\nTimeoutAbortSec=5s\n' >"$units/ai-gateway.service.d/watchdog.conf"
ctl daemon-reload
ctl restart ai-gateway
main=$(property MainPID) before=$(property NRestarts)
kill -STOP "$main"
another() { [ "$(property NRestarts)" -gt "$before" ] && [ "$(property ActiveState)" = active ]; }
check 'a stuck daemon is started again' within 60 another
check 'its services come back as well' within 20 all_ready
rm -r "$units/ai-gateway.service.d"
ctl daemon-reload
ctl reset-failed ai-gateway

# == logout
main=$(property MainPID)
if [ "$mode" = user ]; then
  check 'somebody logs in and out' says 'State=active' runuser -l alice -c 'loginctl show-session self'
  # logind ends the manager of somebody who does not linger after ten seconds.
  sleep 12
  check 'a logout does not stop it' same "$main" "$(property MainPID)"
fi

# == stop
members=$(cat "/sys/fs/cgroup$unit_group"/*/cgroup.procs)
check 'stop succeeds' ctl stop ai-gateway
check 'the unit is inactive, not failed' same inactive "$(property ActiveState)"
check 'its result is success' same success "$(property Result)"
# shellcheck disable=SC2086
check 'nothing is left running' same '' "$(ps -o pid=,args= -p "$(echo $members | tr ' ' ,)")"
check 'its cgroup is gone' not test -e "/sys/fs/cgroup$unit_group"
check 'the daemon took leave' says 'everything is stopped' of_unit -t ai-gateway -n 5
check 'it starts again' ctl start ai-gateway

# == the units
check 'systemd-analyze finds nothing to say about the unit' verify
printf '# %s: %s\n' "$where" "$(security)"

# For the next boot: a manager that was given less.
if [ "$mode" = user ]; then
  install -d /etc/systemd/system/user@.service.d
  printf '[Service]\nDelegate=\nDelegate=memory pids\n' >/etc/systemd/system/user@.service.d/less.conf
fi
exit "$failed"
