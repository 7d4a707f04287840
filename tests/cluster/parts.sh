# shellcheck shell=bash
# The programs of a cluster: Debian packages unpacked, Go programs built; cached by the hash of what they are made from.

GO_PARTS="kubernetes helm4 helm3 kubeconform"

fetch_parts() {
  fetch debs "$(debs_folder)" unpack_packages
  local part
  for part in $GO_PARTS pause ${WITH:-}; do fetch_part "$part"; done
  of_version fetch_part kubernetes
}

fetch_part() {
  fetch "$1" "$(tool_folder "$1")" "build_$1"
}

# Runs a function that asks for the part `kubernetes` so that it finds the one of the cluster's version.
of_version() {
  local SC_PARTS=$SC_PARTS
  [ "$KUBERNETES" = "$DEFAULT_KUBERNETES" ] || SC_PARTS+=/versions/$KUBERNETES
  "$@"
}

parts_are_there() {
  local part
  [ -d "$(debs_folder)" ] || return 1
  for part in $GO_PARTS pause ${WITH:-}; do
    [ -d "$(tool_folder "$part")" ] || return 1
  done
  [ -d "$(of_version tool_folder kubernetes)" ]
}

# Where a program of Kubernetes is: with the cluster's version, or else with the default.
program() {
  local folder
  folder=$(of_version tool_folder kubernetes)
  [ -x "$folder/bin/$1" ] || folder=$(tool_folder kubernetes)
  printf '%s/bin/%s' "$folder" "$1"
}

# Makes one folder of the cache, once: a lock keeps others waiting, a rename makes it appear whole.
fetch() {
  local part=$1 folder=$2 build=$3 begin=$SECONDS temporary lock
  [ ! -d "$folder" ] || return 0
  mkdir -p "${folder%/*}"
  exec {lock}> "$folder.lock"
  flock -n "$lock" || { say "$part: waiting for another fetch"; flock "$lock"; }
  if [ ! -d "$folder" ]; then
    say "$part: getting it"
    rm -rf "$folder".part-*
    temporary=$(mktemp -d "$folder.part-XXXXXX")
    chmod 755 "$temporary"
    run_build "$part" "$folder" "$build" "$temporary"
    mv "$temporary" "$folder"
    say "$part: done in $((SECONDS - begin)) s"
  fi
  exec {lock}>&-
}

# Not in a condition: there bash would overlook errors inside the build.
run_build() {
  local part=$1 folder=$2 build=$3 temporary=$4 code beat
  heartbeat "$part" $$ & beat=$!
  set +e
  (set -e; "$build" "$temporary" "$folder") > "$folder.log" 2>&1
  code=$?
  set -e
  kill "$beat"
  [ "$code" -eq 0 ] && return
  tail -n 20 "$folder.log" >&2
  die "failed to get \`$part\`; the whole log is $folder.log" "see its last lines above, then run \`scripts/cluster fetch\` again"
}

# Says every half a minute that a part is still being made, as long as the script lives.
heartbeat() {
  local tick=0
  while sleep 1 && kill -0 "$2" 2> /dev/null; do
    tick=$((tick + 1))
    [ $((tick % 30)) -ne 0 ] || say "$1: still at it"
  done
}

hash_of() {
  sha256sum | cut -c 1-16
}

# A part is made anew when its inputs change: its folder here, what else goes into it, and the function that builds it.
tool_folder() {
  local inputs=("$SC_PARTS/$1"/*)
  case $1 in
    pause) inputs+=("$SC_SCRIPTS/oci-image") ;;
    identity) inputs+=("$SC_PARTS"/mlog/*) ;;
    csi) inputs=("$SC_PARTS"/{csi/*,mlog}/*) ;;
  esac
  printf '%s/tools/%s-%s' "$CACHE" "$1" "$({ cat "${inputs[@]}"; declare -f "build_$1" go_build; [[ $1 != helm* ]] || declare -f build_helm; } | hash_of)"
}

tools_path() {
  local part path=
  [ "$KUBERNETES" = "$DEFAULT_KUBERNETES" ] || path=$(of_version tool_folder kubernetes)/bin:
  for part in $GO_PARTS; do path+=$(tool_folder "$part")/bin:; done
  printf '%s%s/bin' "$path" "$(debs_folder)"
}

go_build() {
  (cd "$1" && shift && CGO_ENABLED=0 nice go build -trimpath "$@")
}

version_of() {
  (cd "$SC_PARTS/$1" && go list -m -f '{{.Version}}' "$2")
}

build_kubernetes() {
  local set="-X k8s.io/component-base/version.git" version
  version=$(version_of kubernetes k8s.io/kubernetes)
  local minor=${version#v1.}
  mkdir "$1/bin"
  # Without a version the API server calls itself v0.0.0-master, which confuses clients.
  go_build "$SC_PARTS/kubernetes" -o "$1/bin/" \
    -ldflags "-s -w ${set}Version=$version ${set}Major=1 ${set}Minor=${minor%%.*}" tool
}

# Helm's own versions, and for Helm 3 those of the Kubernetes that it renders for when no cluster is asked.
build_helm() {
  local module=helm.sh/helm/v$1 version client flags package
  version=$(version_of "helm$1" "$module")
  client=$(version_of "helm$1" k8s.io/client-go)
  client=${client#v0.}
  flags="-s -w -X $module/internal/version.version=$version"
  for package in lint/rules chartutil; do
    flags+=" -X $module/pkg/$package.k8sVersionMajor=1 -X $module/pkg/$package.k8sVersionMinor=${client%%.*}"
  done
  go_build "$SC_PARTS/helm$1" -o "$2/bin/helm$1" -ldflags "$flags" "$module/cmd/helm"
}

build_helm4() {
  build_helm 4 "$1"
}

build_helm3() {
  build_helm 3 "$1"
}

build_kubeconform() {
  go_build "$SC_PARTS/kubeconform" -o "$1/bin/kubeconform" -ldflags "-s -w" github.com/yannh/kubeconform/cmd/kubeconform
}

build_pause() {
  go_build "$SC_PARTS/pause" -o "$1/root/pause" -ldflags "-s -w" .
  "$SC_SCRIPTS/oci-image" --root "$1/root" --output "$1/pause.tar" --name localhost/pause:1 --entrypoint /pause \
    --user 65535:65535 --arch "$(go env GOARCH)"
}

build_identity() {
  go_build "$SC_PARTS/identity" -o "$1/bin/azure-wi-webhook" -ldflags "-s -w" github.com/Azure/azure-workload-identity/cmd/webhook
}

build_csi() {
  local driver=sigs.k8s.io/secrets-store-csi-driver sources
  go_build "$SC_PARTS/csi/driver" -o "$1/bin/secrets-store-csi-driver" -ldflags "-s -w" "$driver/cmd/secrets-store-csi-driver"
  go_build "$SC_PARTS/csi/driver" -o "$1/bin/csi-registrar" -ldflags "-s -w" .
  go_build "$SC_PARTS/csi/provider" -o "$1/bin/provider-azure" -ldflags "-s -w" github.com/Azure/secrets-store-csi-driver-provider-azure/cmd
  # The driver's custom resources and the rights of its ServiceAccount, as it ships them.
  sources=$(cd "$SC_PARTS/csi/driver" && go list -m -f '{{.Dir}}' "$driver")
  mkdir "$1/deploy"
  cp "$sources"/deploy/{rbac-secretprovider{class,syncing},secrets-store.csi.x-k8s.io_*}.yaml "$1/deploy/"
}

debs_folder() {
  printf '%s/debs/%s' "$CACHE" "$({ cat "$SC_PARTS/packages.txt"; declare -f unpack_packages download_packages write_wrappers write_wrapper; } | hash_of)"
}

unpack_packages() {
  local archive
  mkdir "$1/archives" "$1/root" "$1/bin" "$1/iptables-nft" "$1/iptables-legacy"
  download_packages "$1/archives"
  for archive in "$1"/archives/*.deb; do dpkg-deb -x "$archive" "$1/root"; done
  rm -r "$1/archives"
  write_wrappers "$1" "$2"
}

download_packages() {
  local packages
  cd "$1"
  mapfile -t packages < <(grep -v '^#' "$SC_PARTS/packages.txt" | cut -d ' ' -f 1)
  apt-cache show etcd-server > /dev/null 2>&1 || apt-get update
  check_versions "${packages[@]}"
  # Sources that are older than the archive name files that are no longer there.
  apt_download "${packages[@]}" || { apt-get update && apt_download "${packages[@]}"; }
}

check_versions() {
  local package version candidate
  apt-cache policy "$@" | awk '/^[^ ]/ { package = $1 } /Candidate:/ { print package $2 }' > versions
  while read -r package version; do
    [[ $package != \#* ]] || continue
    candidate=$(sed -n "s/^$package:\(.*\)/\1/p" versions)
    [[ $candidate == "$version"* ]] ||
      { echo "$package $version is wanted, apt offers ${candidate:-none}: are the sources of Debian 12 (bookworm) there?"; return 1; }
  done < "$SC_PARTS/packages.txt"
}

apt_download() {
  apt-get -o APT::Sandbox::User=root -o Acquire::Retries=3 download "$@"
}

# Programs of unpacked packages find their libraries through a wrapper each.
write_wrappers() {
  local to=$1 root=$2/root backend program libraries
  libraries=$root/$(cd "$1/root" && echo usr/lib/*-linux-gnu)
  for program in etcd containerd ctr shellcheck; do
    ln -s "../root/usr/bin/$program" "$to/bin/$program"
  done
  write_wrapper "$to/bin/psql" "$root/usr/lib/postgresql/15/bin/psql"
  write_wrapper "$to/bin/buildah" "$root/usr/bin/buildah"
  for backend in nft legacy; do
    for program in iptables iptables-save iptables-restore ip6tables ip6tables-save ip6tables-restore; do
      write_wrapper "$to/iptables-$backend/$program" "$root/usr/sbin/xtables-$backend-multi $program"
    done
  done
}

write_wrapper() {
  printf '#!/bin/sh\nexport LD_LIBRARY_PATH=%s XTABLES_LIBDIR=%s\nexec %s "$@"\n' \
    "$libraries:${libraries/\/usr/}" "$libraries/xtables" "$2" > "$1"
  chmod +x "$1"
}
