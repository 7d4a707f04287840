# shellcheck shell=bash disable=SC2034 # What is set here is used in other libraries.
# Starts, recognises and ends the processes of a cluster. A pid counts only with its start time, so that no stranger is hit.

ALL_PARTS="etcd containerd kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy"
# How many parts this run had to start.
STARTED=0

# One `up` or `down` of a cluster at a time. What is started later must not inherit descriptor 9.
lock_cluster() {
  mkdir -p "$CACHE/clusters"
  exec 9> "$CACHE/clusters/.$NAME.lock"
  flock -n 9 || { say "cluster $NAME: waiting for another up or down"; flock 9; }
}

# Prints when a process was started, in clock ticks since boot; fails for zombies and for pids that are free.
start_time() {
  local line
  line=$(cat "/proc/$1/stat" 2> /dev/null) || return 1
  # shellcheck disable=SC2086 # The fields after the name, which may hold spaces itself.
  set -- ${line##*) }
  [ "$1" != Z ] || return 1
  echo "${20}"
}

pid_of() {
  cut -d ' ' -f 1 "$STATE/pids/$1"
}

# Whether the very process that was started as this part lives.
alive() {
  local pid time boot
  read -r pid time boot 2> /dev/null < "$STATE/pids/$1" || return 1
  [ "$boot" = "$(cat /proc/sys/kernel/random/boot_id)" ] && [ "$(start_time "$pid")" = "$time" ]
}

# Starts a part inside the cluster's network, unless it lives: start PART COMMAND...
start() {
  local part=$1 pid
  shift
  ! alive "$part" || return 0
  STARTED=$((STARTED + 1))
  mkdir -p "$STATE/pids" "$STATE/logs"
  PATH=$NODE_BIN_PATH setsid nsenter --net="/run/netns/$NETNS" "$@" \
    < /dev/null >> "$STATE/logs/$part.log" 2>&1 9>&- &
  pid=$!
  disown "$pid"
  echo "$pid $(start_time "$pid") $(cat /proc/sys/kernel/random/boot_id)" > "$STATE/pids/$part"
}

# Ends one part: stop PART [SIGNAL], and by force what does not heed it in 5 s.
stop() {
  alive "$1" || return 0
  local pid
  pid=$(pid_of "$1")
  kill -s "${2:-TERM}" "$pid" 2> /dev/null || true
  wait_until 5 "$1 to end" gone "$1" || kill -s KILL "$pid" 2> /dev/null || true
  wait_until 5 "$1 to end" gone "$1" || say "warning: $1 (pid $pid) does not end"
}

gone() {
  ! alive "$1"
}

# Ends the script with the last words of a part that did not become ready.
failed_part() {
  tail -n 15 "$STATE/logs/$1.log" >&2 || true
  die "$1 of cluster $NAME did not become ready; its log is $STATE/logs/$1.log" \
    "see its last lines above; \`scripts/cluster down --name $NAME\` and \`up\` start afresh"
}
