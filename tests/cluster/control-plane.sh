# shellcheck shell=bash
# etcd, the API server, the controllers and the scheduler.

start_control_plane() {
  start_api_server
  start kube-controller-manager "$(program kube-controller-manager)" \
    --kubeconfig="$PKI/kube-controller-manager.kubeconfig" --leader-elect=false --use-service-account-credentials \
    --authentication-kubeconfig="$PKI/kube-controller-manager.kubeconfig" \
    --authorization-kubeconfig="$PKI/kube-controller-manager.kubeconfig" \
    --service-account-private-key-file="$PKI/service-accounts.key" --root-ca-file="$PKI/ca.crt" \
    --cluster-signing-cert-file="$PKI/ca.crt" --cluster-signing-key-file="$PKI/ca.key" \
    --cert-dir="$STATE/kube-controller-manager" --kube-api-qps=200 --kube-api-burst=400 \
    --flex-volume-plugin-dir="$STATE/kube-controller-manager" --node-monitor-period=1s
  start kube-scheduler "$(program kube-scheduler)" \
    --kubeconfig="$PKI/kube-scheduler.kubeconfig" --leader-elect=false --kube-api-qps=200 --kube-api-burst=400 \
    --authentication-kubeconfig="$PKI/kube-scheduler.kubeconfig" \
    --authorization-kubeconfig="$PKI/kube-scheduler.kubeconfig" --cert-dir="$STATE/kube-scheduler"
}

start_etcd() {
  start etcd "$(debs_folder)/bin/etcd" --name "$NAME" --data-dir "$STATE/etcd" --log-level warn --logger zap \
    --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
    --listen-peer-urls http://127.0.0.1:2380 --initial-advertise-peer-urls http://127.0.0.1:2380 \
    --initial-cluster "$NAME=http://127.0.0.1:2380" --heartbeat-interval 10 --election-timeout 100
  # An API server that finds nobody there waits a whole second before it asks again.
  wait_until 20 etcd in_network bash -c 'exec 3<> /dev/tcp/127.0.0.1/2379' || failed_part etcd
}

start_api_server() {
  start kube-apiserver "$(program kube-apiserver)" \
    --etcd-servers=http://127.0.0.1:2379 --bind-address=0.0.0.0 --secure-port=6443 --advertise-address="$CLUSTER_IP" \
    --service-cluster-ip-range=10.96.0.0/16 --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction \
    --client-ca-file="$PKI/ca.crt" --tls-cert-file="$PKI/kube-apiserver.crt" --tls-private-key-file="$PKI/kube-apiserver.key" \
    --kubelet-client-certificate="$PKI/admin.crt" --kubelet-client-key="$PKI/admin.key" \
    --kubelet-certificate-authority="$PKI/ca.crt" --kubelet-preferred-address-types=InternalIP \
    --service-account-issuer=https://kubernetes.default.svc.cluster.local \
    --service-account-key-file="$PKI/service-accounts.key" --service-account-signing-key-file="$PKI/service-accounts.key" \
    --audit-policy-file="$SC_PARTS/audit-policy.yaml" --audit-log-path="$STATE/audit.log" \
    --cert-dir="$STATE/kube-apiserver" --shutdown-delay-duration=0s
  wait_until 60 "the API server" kube get --raw /readyz || failed_part kube-apiserver
}

# kubectl as the cluster's administrator.
kube() {
  in_network "$(program kubectl)" --kubeconfig "$PKI/admin.kubeconfig" --request-timeout=5s "$@"
}
