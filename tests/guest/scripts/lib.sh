# shellcheck shell=bash disable=SC2034,SC2154 # names that scripts give and take
# What the scripts in a guest share: how a check is told, and who asks which manager.
#
# A check is a line that begins with `ok - ` or `not ok - `; ./test counts them.

mode=${mode:-user}
failed=0

# check WHAT COMMAND...: the command has to succeed. What it says is shown if it does not.
check() {
  local what=$1 said; shift
  if said=$("$@" 2>&1); then
    printf 'ok - %s: %s\n' "$where" "$what"
  else
    printf 'not ok - %s: %s\n' "$where" "$what"
    printf '%s\n' "$said" | tail -n 30 | sed 's/^/  # /'
    printf '  # command: %s\n' "$*"
    failed=1
  fi
}

# within SECONDS COMMAND...: it has to succeed before so much time is over.
within() {
  local end=$((SECONDS + $1)) said; shift
  until said=$("$@" 2>&1); do
    [ $SECONDS -lt $end ] || { printf '%s\nnot within the time\n' "$said"; return 1; }
    sleep 0.3
  done
}

not() { if "$@"; then echo "it succeeded: $*"; return 1; fi; }

# says TEXT COMMAND...: what it says has the text in it.
says() {
  local text=$1 said; shift
  said=$("$@" 2>&1) || true
  grep -qF -- "$text" <<<"$said" || { printf 'looked for: %s\n%s\n' "$text" "$said"; return 1; }
}

same() { [ "$1" = "$2" ] || { printf 'wanted %s, found %s\n' "$1" "$2"; return 1; }; }

most() { [ "$2" -le "$1" ] || { printf 'wanted at most %s, found %s\n' "$1" "$2"; return 1; }; }

least() { [ "$2" -ge "$1" ] || { printf 'wanted at least %s, found %s\n' "$1" "$2"; return 1; }; }

as_alice() {
  runuser -u alice -- env -C /home/alice HOME=/home/alice USER=alice XDG_RUNTIME_DIR=/run/user/1000 \
    DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/1000/bus "$@"
}

# The same words for a person's gateway and for the machine's.
if [ "$mode" = user ]; then
  owner=alice
  program=/home/alice/.local/bin/ai-gateway
  config=/home/alice/.config/ai-gateway/gateway.toml
  state=/home/alice/.local/share/ai-gateway
  runtime=/run/user/1000/ai-gateway
  units=/home/alice/.config/systemd/user
  as_owner() { as_alice "$@"; }
  ctl() { as_alice systemctl --user "$@"; }
  ctl_analyze() { as_alice systemd-analyze --user "$@"; }
  of_unit() { as_alice journalctl --user --no-pager -q --user-unit ai-gateway "$@"; }
  unit_group=/user.slice/user-1000.slice/user@1000.service/ai.slice/ai-gateway.slice/ai-gateway.service
  gateway() { as_alice "$program" "$@"; }
else
  owner=ai-gateway
  program=/usr/local/bin/ai-gateway
  config=/etc/ai-gateway/gateway.toml
  state=/var/lib/ai-gateway
  runtime=/run/ai-gateway
  units=/etc/systemd/system
  as_owner() { runuser -u ai-gateway -- env -C / HOME=/var/lib/ai-gateway "$@"; }
  ctl() { systemctl "$@"; }
  ctl_analyze() { systemd-analyze "$@"; }
  of_unit() { journalctl --no-pager -q -u ai-gateway "$@"; }
  unit_group=/ai.slice/ai-gateway.slice/ai-gateway.service
  gateway() { "$program" "$@"; }
fi

# What everybody's manager knows of the unit.
property() { ctl show --property="$1" --value ai-gateway.service; }

# One value of the status.
status_of() {
  gateway status --json | python3 -c '
import json, sys
value = json.load(sys.stdin)
for key in sys.argv[1:]:
    value = value[key]
print(json.dumps(value) if isinstance(value, (dict, list, bool)) else value)' "$@"
}

is_status() { local wanted=$1; shift; same "$wanted" "$(status_of "$@")"; }

# A file of a service's cgroup.
group_file() { cat "/sys/fs/cgroup$unit_group/$1/$2"; }

event_count() { group_file "$1" "$2" | sed -n "s/^$3 //p"; }

install_program() {
  [ "$mode" = system ] || as_owner mkdir -p "$(dirname "$program")"
  install -D -m 755 "$1" "$program"
}

# The unit as the program prints it for this machine, as quickstart does.
install_unit() {
  [ "$mode" = system ] || as_owner mkdir -p "$units"
  as_owner "$program" unit >/run/ai-gateway.service
  as_owner "$program" unit --slice >/run/ai-gateway.slice
  install -m 644 /run/ai-gateway.service /run/ai-gateway.slice "$units"
  [ "$mode" = system ] || chown -R alice:alice /home/alice/.config
}

add_system_user() {
  id ai-gateway >/dev/null 2>&1 ||
    useradd --system --user-group --home-dir /var/lib/ai-gateway --shell /usr/sbin/nologin ai-gateway
}
