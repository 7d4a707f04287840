// What the webhook and the CSI driver log through: the module of that name is not to be had from where modules are got.
module monis.app/mlog

go 1.25.0

require (
	github.com/go-logr/logr v1.4.3
	k8s.io/klog/v2 v2.120.1
)
