# shellcheck shell=bash
# The only node: containerd with runc and a bridge for pods, the kubelet, kube-proxy. There is no DNS: tests use addresses.

start_node_runtime() {
  mkdir -p "$STATE"/{cni,containerd,kubelet}
  chmod 700 "$STATE"
  choose_snapshotter
  render_to containerd.toml.in "$STATE/containerd/config.toml"
  render_to cni.json.in "$STATE/cni/10-bridge.conflist"
  start containerd "$(debs_folder)/bin/containerd" --config "$STATE/containerd/config.toml"
}

start_node() {
  wait_until 20 containerd ctr version || failed_part containerd
  has_image localhost/pause:1 || import_image "$(tool_folder pause)/pause.tar" > /dev/null
  render_to kubelet.yaml.in "$STATE/kubelet/config.yaml"
  share_volumes
  start kubelet unshare --mount --propagation unchanged "$SC_PARTS/kubelet-with-own-folders" "$STATE/kubelet/root" \
    "$(program kubelet)" --config "$STATE/kubelet/config.yaml" --kubeconfig "$PKI/kubelet.kubeconfig" --cert-dir "$STATE/kubelet/pki" --hostname-override "$NAME" --node-ip "$CLUSTER_IP"
  render_to kube-proxy.yaml.in "$STATE/kubelet/kube-proxy.yaml"
  start kube-proxy "$(program kube-proxy)" --config "$STATE/kubelet/kube-proxy.yaml" --hostname-override "$NAME"
  wait_until 60 "the node" node_is_ready || failed_part kubelet
  wait_until 30 "service addresses" services_are_served || failed_part kube-proxy
  wait_until 30 "the default ServiceAccount" kube get serviceaccount default || failed_part kube-controller-manager
}

# What the kubelet mounts for pods has to be seen by containerd, which lives in other mounts.
share_volumes() {
  mkdir -p "$STATE/kubelet/root"
  ! mountpoint -q "$STATE/kubelet/root" || return 0
  mount --bind "$STATE/kubelet/root" "$STATE/kubelet/root"
  mount --make-shared "$STATE/kubelet/root"
}

# Ready, and seen so by the controllers: a new or mended node keeps its taint for a moment.
node_is_ready() {
  local seen
  seen=$(kube get node "$NAME" -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}{.spec.taints}') && [ "$seen" = True ]
}

services_are_served() {
  in_network bash -c 'exec 3<> /dev/tcp/10.96.0.1/443'
}

ctr() {
  in_network "$(debs_folder)/bin/ctr" --address "$STATE/containerd/containerd.sock" --namespace k8s.io "$@"
}

has_image() {
  [ -n "$(ctr images list --quiet "name==$1")" ]
}

import_image() {
  ctr images import --snapshotter "$(< "$STATE/containerd/snapshotter")" "$1"
}
