# shellcheck shell=bash
# What this machine must have; each check says how to mend what it misses.

check_machine() {
  check_root
  check_builder
  check_kernel
}

check_root() {
  [ "$(id -u)" -eq 0 ] ||
    die "a cluster needs root: namespaces, mounts and cgroups" "run it as root, for example with sudo -E scripts/cluster"
  "$SC_PARTS/../../scripts/install-missing" ip:iproute2 nsenter:util-linux setpriv:util-linux openssl:openssl
}

# What building the parts needs; nothing of it is asked for when they are in the cache.
check_builder() {
  parts_are_there && return
  local version install_go="install Go 1.26 from https://go.dev/dl, and have it in PATH"
  command -v apt-get > /dev/null || die "this is not a Debian: \`apt-get\` is missing" "use Debian 12, from whose packages the parts are taken"
  command -v go > /dev/null || die "\`go\` is missing" "$install_go"
  version=$(go env GOVERSION)
  version=${version#go1.}
  [ "${version%%.*}" -ge 21 ] || die "Go 1.${version} is too old" "$install_go"
  check_disk
}

check_disk() {
  local free
  mkdir -p "$CACHE"
  free=$(df -Pm "$CACHE" | awk 'NR == 2 { print $4 }')
  [ "$free" -ge 8192 ] ||
    die "only $free MB are free below $CACHE; building the parts takes up to 8192" "free some, or set XDG_CACHE_HOME to another disk"
}

check_kernel() {
  local probe=sc-probe-$$ message=
  ip netns add "$probe" 2> /dev/null ||
    die "this kernel or container does not let us make network namespaces" "run on a machine or in a container with CAP_SYS_ADMIN and CONFIG_NET_NS"
  ip -n "$probe" link add sc-a type veth peer name sc-b 2> /dev/null || message="veth pairs (CONFIG_VETH; modprobe veth)"
  ip -n "$probe" link add sc-c type bridge 2> /dev/null || message="bridges (CONFIG_BRIDGE; modprobe bridge)"
  ip netns del "$probe"
  [ -z "$message" ] || die "this kernel has no $message" "load the module, or use a kernel that has it"
  [ -d /sys/fs/cgroup/cpu ] || [ -e /sys/fs/cgroup/cgroup.controllers ] ||
    die "no cgroups are mounted at /sys/fs/cgroup" "mount -t cgroup2 none /sys/fs/cgroup"
}

# Chooses overlayfs where it can be mounted below the state folder, else plain copies.
choose_snapshotter() {
  local probe=$STATE/overlay
  mkdir -p "$probe"/{lower,upper,work,merged}
  SNAPSHOTTER=native
  if mount -t overlay overlay -o "lowerdir=$probe/lower,upperdir=$probe/upper,workdir=$probe/work" "$probe/merged" 2> /dev/null; then
    SNAPSHOTTER=overlayfs
    umount "$probe/merged"
  else
    say "overlayfs cannot be mounted below $STATE: images are copied instead"
  fi
  rm -rf "$probe"
  echo "$SNAPSHOTTER" > "$STATE/containerd/snapshotter"
}
