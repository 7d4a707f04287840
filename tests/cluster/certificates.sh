# shellcheck shell=bash
# The cluster's certificate authority, and a certificate or kubeconfig for each who needs one.

make_certificates() {
  mkdir -p "$PKI"
  chmod 700 "$PKI"
  make_service_account_key
  make_authority "$NETNS"
  make_certificate kube-apiserver /CN=kube-apiserver \
    "IP:10.96.0.1,IP:$CLUSTER_IP,IP:127.0.0.1,DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local"
  make_certificate kubelet-server "/CN=$NAME" "IP:$CLUSTER_IP,DNS:$NAME"
  make_kubeconfig admin /O=system:masters/CN=admin
  make_kubeconfig kube-controller-manager /CN=system:kube-controller-manager
  make_kubeconfig kube-scheduler /CN=system:kube-scheduler
  make_kubeconfig kube-proxy /CN=system:kube-proxy
  make_kubeconfig kubelet "/O=system:nodes/CN=system:node:$NAME"
  cp "$PKI/admin.kubeconfig" "$ADMIN_KUBECONFIG"
}

# RSA, because clouds take ServiceAccount tokens signed as RS256 only.
make_service_account_key() {
  [ ! -e "$PKI/service-accounts.key" ] || return 0
  openssl genrsa -out "$PKI/service-accounts.key.part" 2048 2> /dev/null
  mv "$PKI/service-accounts.key.part" "$PKI/service-accounts.key"
}

# make_authority NAME
make_authority() {
  [ ! -e "$PKI/ca.crt" ] || return 0
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=$1" \
    -config "$SC_PARTS/openssl.cnf" -extensions authority -keyout "$PKI/ca.key" -out "$PKI/ca.crt.part" 2> /dev/null
  mv "$PKI/ca.crt.part" "$PKI/ca.crt"
}

# make_certificate FILE SUBJECT [ALTERNATIVE NAMES]; the certificate appears last, so that an interrupted run is mended.
make_certificate() {
  [ ! -e "$PKI/$1.crt" ] || return 0
  openssl req -x509 -CA "$PKI/ca.crt" -CAkey "$PKI/ca.key" -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 \
    -subj "$2" -config "$SC_PARTS/openssl.cnf" -extensions leaf ${3:+-addext "subjectAltName=$3"} \
    -keyout "$PKI/$1.key" -out "$PKI/$1.crt.part" 2> "$PKI/$1.log" || { cat "$PKI/$1.log" >&2; return 1; }
  mv "$PKI/$1.crt.part" "$PKI/$1.crt"
}

make_kubeconfig() {
  make_certificate "$1" "$2"
  [ -e "$PKI/$1.kubeconfig" ] || render kubeconfig.yaml.in "$1" > "$PKI/$1.kubeconfig"
}
