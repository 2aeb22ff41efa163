#!/bin/bash
# shellcheck disable=SC2317 # `check` calls functions by their names
# The machine of real.sh, booted again: nobody starts anything.
#
#   real-again.sh user|system WHERE
mode=$1 where=$2
# shellcheck source=lib.sh
. /share/scripts/lib.sh
# shellcheck source=lib-real.sh
. /share/scripts/lib-real.sh

check 'a boot brings it up' within 600 active
figure "ready $(ready_after_boot) s after boot"
check 'all four are ready' all_four_ready
# Only now: before the user's manager has said something, this boot is none that journalctl could count from.
check 'before the last shutdown it took leave' says 'everything is stopped' of_unit -b -1 -t ai-gateway
last_life() { of_unit -b -1 | awk '/ starts [0-9]+ services/ { said = "" } { said = said $0 "\n" } END { print said }'; }
check 'nobody had to be killed for it' not says 'Killing process' last_life
check 'what was asked before is in the books' least 2 "$(spend_logs)"
check 'the demo model answers' says 'demo model' gateway ask 'Are you still there?'
check 'nothing went wrong by the journal (-p err)' same '' "$(of_unit -b -p err -o cat)"

members=$(cat "/sys/fs/cgroup$unit_group"/*/cgroup.procs)
check 'stop succeeds' ctl stop ai-gateway
check 'the unit is inactive, not failed' same 'inactive success' "$(property ActiveState) $(property Result)"
# shellcheck disable=SC2086
check 'nothing is left running' same '' "$(ps -o pid=,args= -p "$(echo $members | tr ' ' ,)")"
check 'its cgroup is gone' not test -e "/sys/fs/cgroup$unit_group"
finish
