# shellcheck shell=bash disable=SC2034 # What is set here is used in other libraries.
# What every part of scripts/cluster shares: how it speaks, and what a cluster is called.

DEFAULT_KUBERNETES=1.35

say() {
  printf '[%3ds] %s\n' "$SECONDS" "$1" >&2
}

die() {
  printf 'error: %s\n  fix: %s\n' "$1" "$2" >&2
  exit 1
}

# Derives everything that tells two clusters apart from their name.
name_cluster() {
  [[ $1 =~ ^[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?$ ]] ||
    die "\`$1\` is not a name for a cluster" "use up to 20 letters a-z, digits and dashes"
  CACHE=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/sc-extension
  NAME=$1
  STATE=$CACHE/clusters/$NAME
  # The kubelet has sockets 40 characters below it, and a socket's path ends at 107.
  [[ ${#STATE} -le 64 && $STATE =~ ^/[A-Za-z0-9._/-]+$ ]] ||
    die "\`$STATE\` is too long or too odd for the sockets in it" "set XDG_CACHE_HOME to a short path without spaces"
  KUBERNETES=$(cat "$STATE/kubernetes" 2> /dev/null || echo "$DEFAULT_KUBERNETES")
  WITH=$(cat "$STATE/with" 2> /dev/null || true)
  ADMIN_KUBECONFIG=$STATE/kubeconfig
  PKI=$STATE/pki
  NETNS=sc-cluster-$NAME
  # 100 to 199: never 96, where the Services are. Equal numbers do not clash, each has its own namespace.
  SUBNET=10.$((100 + $(cksum <<< "$NAME" | cut -d ' ' -f 1) % 100))
  CLUSTER_IP=$SUBNET.0.1
}

# Fills a template of this folder in: @STATE@, @NAME@ and so on.
render() {
  sed -e "s|@STATE@|$STATE|g" -e "s|@NAME@|$NAME|g" -e "s|@SUBNET@|$SUBNET|g" -e "s|@IP@|$CLUSTER_IP|g" \
    -e "s|@DEBS@|$(debs_folder)|g" -e "s|@SNAPSHOTTER@|${SNAPSHOTTER:-}|g" -e "s|@USER@|${2:-}|g" "$SC_PARTS/$1"
}

# Writes a filled-in template only if that changes the file: kube-proxy ends when its settings are touched.
render_to() {
  local text
  text=$(render "$1")
  [ -e "$2" ] && [ "$text" = "$(< "$2")" ] || printf '%s\n' "$text" > "$2"
}

# Waits until a command succeeds: wait_until SECONDS "what is waited for" COMMAND...
wait_until() {
  local limit=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" > /dev/null 2>&1; do
    [ "$SECONDS" -lt "$limit" ] || return 1
    sleep 0.2
  done
}
