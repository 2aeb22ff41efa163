#!/bin/bash
# shellcheck disable=SC2317 # `check` calls functions by their names
# The deb under a real systemd, without a network: installed, set up and started, and each limit shown to
# bite. The machine goes off while it runs; deb-again.sh goes on when it is booted again.
#
#   deb.sh system WHERE FIRST SECOND
#
# FIRST and SECOND are two revisions.
mode=$1 where=$2 first=/share/$3
# shellcheck source=lib.sh
. /share/scripts/lib.sh
# shellcheck source=lib-deb.sh
. /share/scripts/lib-deb.sh

of_gateway >/var/tmp/before

# == install
check 'the deb is installed' dpkg -i "$first"
check 'nothing was started' same inactive "$(property ActiveState)"
check 'and nothing will be at the next boot' says disabled systemctl is-enabled ai-gateway
check 'no process is left of it' not pgrep -u ai-gateway
check 'systemd-analyze finds nothing to say about the unit' same '' \
  "$(systemd-analyze verify --man=no /lib/systemd/system/ai-gateway.service 2>&1)"
check 'nor about the unit for users' same '' \
  "$(XDG_RUNTIME_DIR=/run systemd-analyze verify --man=no --user /usr/lib/systemd/user/ai-gateway.service 2>&1)"
figure "$(systemd-analyze security --no-pager ai-gateway.service 2>&1 | tail -n 1)"

# == set up
install -o ai-gateway -g ai-gateway -m 600 /dev/stdin "$config" <<<'profile = "tiny"'
carry_payloads
check 'set-up runs through' as_owner "$program" setup --yes
check 'doctor finds no problem' as_owner "$program" doctor
check 'enable --now starts it' begun systemctl enable -q --now ai-gateway
check_the_stack 'Are you there?'
check 'journalctl -x explains' says 'and its process was launched' of_unit -x -t ai-gateway
check 'no measure of the diet was skipped' is_status '[]' diet skipped
check 'nothing went wrong by the journal (-p err)' same '' "$(of_unit -p err -o cat)"
check 'no secret is in the journal' not secret_in journal
as_owner touch "$state/kept"
memory_figures
finish
