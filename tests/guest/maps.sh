# shellcheck shell=bash
# vm.max_map_count is one value for the whole machine, and each of several runs needs it raised. A run
# is a user of it while it holds a shared lock on a file; the last user puts the old value back.
#
#   raise_maps WANTED   raises the value if it is smaller, and sets $maps to what is in effect
#   release_maps        this run does not need it any more; without raise_maps it does nothing
#
# The file says `OLD RAISED`. It keeps that when a run is killed, so that a later run can put the old
# value back. It is in /run, because a reboot resets the value as well.
maps_file=${MAPS_FILE:-/run/ai-gateway-guests.max_map_count}
maps='' maps_users=''

# A run that begins and one that ends must not act on what the other is about to change, so they take
# turns. A second lock, which ends with the subshell: guests inherit the one that counts the users.
in_turn() ( exec {turn}>"$maps_file.lock"; flock "$turn"; "$@" )

begin_to_use() {
  local old
  flock --shared "$maps_users"
  old=$(sysctl -n vm.max_map_count)
  [ "$old" -lt "$1" ] || return 0
  # A value that could not be raised is not to be put back.
  if sysctl -q -w vm.max_map_count="$1" 2>/dev/null; then echo "$old $1" >"$maps_file"; fi
}

end_use() {
  local old='' raised=''
  # The lock belongs to the open file, which this run's guests have inherited: it is one for all of
  # them, and becomes exclusive unless another run holds its own.
  if flock --exclusive --nonblock "$maps_users"; then
    read -r old raised <"$maps_file" || true
    # Unless somebody has set it to something else since.
    if [ -n "$raised" ] && [ "$(sysctl -n vm.max_map_count)" = "$raised" ]; then
      sysctl -q -w vm.max_map_count="$old" || true
    fi
    : >"$maps_file"
  fi
  # To close the file would not do while a process of a guest has it open as well.
  flock --unlock "$maps_users"
}

raise_maps() {
  exec {maps_users}>>"$maps_file"
  in_turn begin_to_use "$1"
  # shellcheck disable=SC2034 # Whoever sources this says it.
  maps=$(sysctl -n vm.max_map_count)
}

release_maps() {
  [ -n "$maps_users" ] || return 0
  in_turn end_use
  exec {maps_users}>&-
  maps_users=''
}
