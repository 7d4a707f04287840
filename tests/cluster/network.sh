# shellcheck shell=bash disable=SC2034 # What is set here is used in other libraries.
# The cluster's own network: a namespace with a bridge, and no way out of it.

in_network() {
  nsenter --net="/run/netns/$NETNS" "$@"
}

network_exists() {
  in_network true 2> /dev/null
}

# Processes of a network that somebody took away cannot be mended: they hold on to what has no name any more.
end_if_network_is_gone() {
  [ -d "$STATE" ] || return 0
  network_exists && return
  say "the network of cluster $NAME is gone: ending what is left of it"
  end_everything
}

make_network() {
  network_exists || ip netns add "$NETNS"
  ip -n "$NETNS" link set lo up
  ip -n "$NETNS" link show sc0 > /dev/null 2>&1 || ip -n "$NETNS" link add sc0 type bridge
  ip -n "$NETNS" address replace "$CLUSTER_IP/16" dev sc0
  ip -n "$NETNS" link set sc0 up
  # There is no default route; without one of their own, Services could not be reached from here.
  ip -n "$NETNS" route replace 10.96.0.0/16 dev sc0
  in_network sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward'
  choose_iptables
}

# kube-proxy and the kubelet use the first iptables of their PATH; takes the one that this kernel can serve.
choose_iptables() {
  local backend
  for backend in nft legacy; do
    if in_network "$(debs_folder)/iptables-$backend/iptables" -t nat -L -n > /dev/null 2>&1; then
      NODE_BIN_PATH=$(debs_folder)/iptables-$backend:$PATH
      return
    fi
  done
  die "this kernel serves neither nf_tables nor iptables" "modprobe nf_tables nft_compat nf_nat (or ip_tables iptable_nat)"
}
