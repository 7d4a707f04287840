# shellcheck shell=bash
# Takes a cluster down to the last mount. Every step stands alone, so that it mends whatever a killed part left.

end_everything() {
  end_kubernetes
  stop containerd KILL
  end_pods
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
  # The kubelet first: nobody asks the CSI driver for mounts any more when it ends, and `remove_mounts` finds what it has made.
  # shellcheck disable=SC2046,SC2086 # One word per process.
  for part in kubelet $(azure_processes $AZURE_PARTS) kube-proxy kube-scheduler kube-controller-manager; do stop "$part" KILL; done
  stop postgres QUIT
}

# With containerd ended nobody makes or removes containers any more, so what is found here is all there is.
end_pods() {
  wait_until 10 "the pods to end" pods_are_gone || say "warning: some process of a pod does not end"
}

pods_are_gone() {
  local pids
  pids="$(shims) $(container_pids)"
  [ -n "${pids// /}" ] || return 0
  # shellcheck disable=SC2086 # One word per process.
  kill -s KILL $pids 2> /dev/null
  return 1
}

# The processes that watch over or make containers name the folder of the cluster's containerd.
shims() {
  local file
  for file in /proc/[0-9]*/cmdline; do
    if tr '\0' ' ' 2> /dev/null < "$file" | grep -Eq "^[^ ]*(containerd-shim[^ /]*|runc) .*$STATE/containerd/"; then
      file=${file#/proc/}
      echo "${file%/cmdline}"
    fi
  done
}

container_ids() {
  ls "$STATE/containerd/state/io.containerd.runtime.v2.task/k8s.io" 2> /dev/null || true
}

# The cgroups of a container: one per controller with cgroups v1, a single one with v2.
container_cgroups() {
  local id folder
  for id in $(container_ids); do
    for folder in /sys/fs/cgroup/k8s.io/"$id" /sys/fs/cgroup/*/k8s.io/"$id"; do
      [ ! -d "$folder" ] || echo "$folder"
    done
  done
}

container_pids() {
  local folder
  for folder in $(container_cgroups); do
    find "$folder" -name cgroup.procs -exec cat {} + 2> /dev/null || true
  done | sort -u
}

remove_cgroups() {
  local folder
  for folder in $(container_cgroups); do
    find "$folder" -depth -type d -exec rmdir {} + 2> /dev/null || true
    [ ! -d "$folder" ] || say "warning: the cgroup $folder stays"
  done
  # Shared by all clusters and the machine's own containerd: only gone when nobody uses it.
  rmdir /sys/fs/cgroup/k8s.io /sys/fs/cgroup/*/k8s.io 2> /dev/null || true
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
  awk -v prefix="$STATE/" 'index($5, prefix) == 1 { print $5 }' /proc/self/mountinfo | sort -r
}

remove_mounts() {
  local target
  for target in $(mounts_of_state); do
    umount "$target" 2> /dev/null || umount --lazy "$target" || say "warning: $target stays mounted"
  done
}

# What containerd and the CNI plug-ins write outside of the state folder; each piece names this cluster.
remove_traces() {
  local file id
  for id in $(container_ids); do rm -f "/var/lib/cni/results/"*"-$id-"*; done
  for file in "$STATE"/containerd/state/io.containerd.runtime.v2.task/k8s.io/*/address; do
    [ -e "$file" ] || continue
    rm -f "$(sed -n 's|^unix://\(/run/containerd/s/[0-9a-f]*\)$|\1|p' "$file")"
  done
  # Folders that nobody else uses either are empty now.
  rmdir /run/containerd/s /run/containerd /var/lib/cni/results /var/lib/cni /var/lib/kubelet 2> /dev/null || true
}

remove_state() {
  [ -z "$(mounts_of_state)" ] || die "something is still mounted below $STATE" "see /proc/self/mountinfo, then run \`scripts/cluster down --name $NAME\` again"
  rm -rf --one-file-system "$STATE"
}
