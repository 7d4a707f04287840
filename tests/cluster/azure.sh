# shellcheck shell=bash
# What a cluster has of Azure's on request, as processes beside the pods: the webhook of workload identity, and the Secrets
# Store CSI driver with its provider for Key Vault. Azure itself is played by the tests, with the certificate made here.

AZURE_PARTS="identity csi"
# What the webhook says for a ServiceAccount that names no tenant.
AZURE_TENANT=00000000-0000-0000-0000-000000000001
# Where the tests' stand-in takes what the provider wants to send to Azure.
AZURE_PROXY=http://127.0.0.1:9480

# Adds parts to those that the cluster has, in the order in which they start.
add_parts() {
  local part all=" $WITH $* "
  WITH=
  for part in $AZURE_PARTS; do [[ $all != *" $part "* ]] || WITH+=${WITH:+ }$part; done
}

azure_processes() {
  local part
  for part in "$@"; do
    case $part in
      identity) echo webhook ;;
      csi) printf '%s\n' csi-provider csi-driver csi-registrar ;;
    esac
  done
}

start_azure() {
  local part
  [ -n "$WITH" ] || return 0
  make_azure_certificates
  for part in $WITH; do "start_$part"; done
}

# An authority of its own, as nobody should trust the cluster's for names of Azure.
make_azure_certificates() {
  local PKI=$STATE/azure
  mkdir -p "$PKI"
  make_authority azure
  make_certificate server /CN=azure \
    "DNS:login.microsoftonline.com,DNS:*.vault.azure.net,DNS:*.blob.core.windows.net,DNS:localhost,IP:127.0.0.1,IP:$CLUSTER_IP"
}

start_identity() {
  local served=$STATE/webhook
  make_kubeconfig azure-workload-identity /CN=azure-workload-identity
  make_certificate webhook /CN=webhook IP:127.0.0.1,DNS:localhost
  mkdir -p "$served"
  ln -sf "$PKI/webhook.crt" "$served/tls.crt"
  ln -sf "$PKI/webhook.key" "$served/tls.key"
  start webhook env AZURE_TENANT_ID="$AZURE_TENANT" "$(tool_folder identity)/bin/azure-wi-webhook" \
    --kubeconfig "$PKI/azure-workload-identity.kubeconfig" --webhook-cert-dir "$served" --disable-cert-rotation \
    --metrics-addr 0 --log-level info
  render identity.yaml.in | sed "s|@CA@|$(base64 -w 0 "$PKI/ca.crt")|" | apply -f -
  wait_until 30 "the webhook" webhook_mutates || failed_part webhook
}

webhook_mutates() {
  kube run probe --image=none --labels=azure.workload.identity/use=true --dry-run=server -o yaml | grep AZURE_TENANT_ID
}

# Its warnings are about fields that not every version of Kubernetes has.
apply() {
  local log=$STATE/logs/azure-objects.log
  kube apply --server-side --force-conflicts "$@" > "$log" 2>&1 || { cat "$log" >&2; return 1; }
}

start_csi() {
  local tools providers=$STATE/csi/providers driver=secrets-store.csi.k8s.io
  tools=$(tool_folder csi)
  apply -f "$tools/deploy" -f "$SC_PARTS/csi-driver.yaml"
  mkdir -p "$providers"
  start csi-provider env SSL_CERT_FILE="$STATE/azure/ca.crt" HTTPS_PROXY="$AZURE_PROXY" NO_PROXY='' no_proxy='' \
    "$tools/bin/provider-azure" --endpoint "unix://$providers/azure.sock"
  start_csi_driver "$tools/bin/secrets-store-csi-driver" "$providers"
  # In the kubelet's folder, where it looks for plug-ins, only the shortest of names is short enough for a socket.
  start csi-registrar "$tools/bin/csi-registrar" "$driver" "$STATE/csi/driver.sock" "$STATE/kubelet/root/plugins_registry/csi.sock"
  wait_until 30 "the CSI driver" csi_is_registered "$driver" || failed_part csi-registrar
}

# It mounts below the kubelet's folder, which is shared with the kubelet and the containers. A client certificate may bear
# the name of a ServiceAccount, and so has the rights that the driver ships.
start_csi_driver() {
  make_kubeconfig secrets-store-csi-driver /CN=system:serviceaccount:kube-system:secrets-store-csi-driver
  wait_until 30 "its custom resources" kube get secretproviderclasspodstatuses --all-namespaces
  alive csi-driver || rm -f "$STATE/csi/driver.sock"
  start csi-driver env KUBECONFIG="$PKI/secrets-store-csi-driver.kubeconfig" "$1" \
    --endpoint "unix://$STATE/csi/driver.sock" --nodeid "$NAME" --provider-volume "$2" --additional-provider-volume-paths "$2" \
    --metrics-addr 0 --enable-secret-rotation=true --rotation-poll-interval=5s
  wait_until 30 "the CSI driver" test -S "$STATE/csi/driver.sock" || failed_part csi-driver
}

csi_is_registered() {
  kube get csinode "$NAME" -o 'jsonpath={.spec.drivers[*].name}' | grep -w "$1"
}

# What tests have to know, for `scripts/cluster env`.
azure_env() {
  [ -n "$WITH" ] || return 0
  printf "export SC_CLUSTER_WITH='%s'\nexport SC_CLUSTER_AZURE='%s'\n" "$WITH" "$STATE/azure"
}
