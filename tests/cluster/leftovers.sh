# shellcheck shell=bash
# Takes a cluster down to the last mount. Every step stands alone, so that it mends whatever a killed part left.

end_everything() {
  end_kubernetes
  end_pods
  stop containerd KILL
  stop kube-apiserver KILL
  # Last: the API server waits for it when it is asked to end.
  stop etcd
  end_network
  remove_mounts
  remove_cgroups
  remove_traces
  remove_state
}

# Nothing of these lives on, so none has to end politely.
end_kubernetes() {
  local part
  for part in kubelet kube-proxy kube-scheduler kube-controller-manager; do stop "$part" KILL; done
  stop postgres QUIT
}

# All pods' processes are in the cluster's cgroup; the shims that watch them name the cluster's socket.
end_pods() {
  wait_until 10 "the pods to end" pods_are_gone || say "warning: some process of a pod does not end"
}

pods_are_gone() {
  local pids
  pids="$(shims) $(cgroup_pids)"
  [ -n "${pids// /}" ] || return 0
  # shellcheck disable=SC2086 # One word per process.
  kill -s KILL $pids 2> /dev/null
  return 1
}

shims() {
  local file
  for file in /proc/[0-9]*/cmdline; do
    if tr '\0' ' ' 2> /dev/null < "$file" | grep -q "^[^ ]*containerd-shim[^ ]* .*-address $STATE/containerd/containerd.sock "; then
      file=${file#/proc/}
      echo "${file%/cmdline}"
    fi
  done
}

# The cluster's own cgroups: one per controller with cgroups v1, a single one with v2.
cgroups() {
  find /sys/fs/cgroup -maxdepth 2 -type d -name "$NETNS"
}

cgroup_pids() {
  local folder
  for folder in $(cgroups); do
    find "$folder" -name cgroup.procs -exec cat {} + 2> /dev/null
  done | sort -u
}

remove_cgroups() {
  local folder
  for folder in $(cgroups); do
    find "$folder" -depth -type d -exec rmdir {} + 2> /dev/null || true
    [ ! -d "$folder" ] || say "warning: the cgroup $folder stays"
  done
}

# Whoever is still in the cluster's network, such as a shell of `scripts/cluster run`, has to go with it.
end_network() {
  [ -e "/run/netns/$NETNS" ] || return 0
  wait_until 10 "the network to be empty" network_is_empty || say "warning: some process stays in the network $NETNS"
  ip netns del "$NETNS"
}

network_is_empty() {
  local pids
  pids=$(ip netns pids "$NETNS")
  [ -n "$pids" ] || return 0
  # shellcheck disable=SC2086 # One word per process.
  kill -s KILL $pids 2> /dev/null
  return 1
}

mounts_of_state() {
  awk -v prefix="$STATE/" 'index($5 "/", prefix) == 1 { print $5 }' /proc/self/mountinfo | sort -r
}

remove_mounts() {
  local target
  for target in $(mounts_of_state); do
    umount "$target" 2> /dev/null || umount --lazy "$target" || say "warning: $target stays mounted"
  done
}

# What containerd, the CNI plug-ins and the kubelet write outside of the state folder; each piece names this cluster.
remove_traces() {
  local file link
  for file in "$STATE"/containerd/state/io.containerd.runtime.v2.task/k8s.io/*/address; do
    [ -e "$file" ] || continue
    rm -f "$(sed -n 's|^unix://\(/run/containerd/s/[0-9a-f]*\)$|\1|p' "$file")"
  done
  rm -f "/var/lib/cni/results/$NETNS-"* "/var/lib/cni/cache/results/$NETNS-"*
  for link in /var/log/containers/*.log; do
    [[ ! -L $link || $(readlink "$link") != "$STATE/pod-logs/"* ]] || rm -f "$link"
  done
}

remove_state() {
  [ -z "$(mounts_of_state)" ] || die "something is still mounted below $STATE" "see /proc/self/mountinfo, then run \`scripts/cluster down --name $NAME\` again"
  rm -rf --one-file-system "$STATE"
}
