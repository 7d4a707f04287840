// Command csi-registrar tells the kubelet that there is a CSI driver, for as long as it runs: csi-registrar NAME DRIVER-SOCKET OWN-SOCKET.
// The registrar of Kubernetes itself is not to be had as a Go module.
package main

import (
	"context"
	"log"
	"net"
	"os"

	"google.golang.org/grpc"
	registration "k8s.io/kubelet/pkg/apis/pluginregistration/v1"
)

type registrar struct {
	registration.UnimplementedRegistrationServer
	driver registration.PluginInfo
}

// GetInfo is what the kubelet asks whoever opens a socket in its folder of plug-ins.
func (r *registrar) GetInfo(context.Context, *registration.InfoRequest) (*registration.PluginInfo, error) {
	return &r.driver, nil
}

// NotifyRegistrationStatus ends the registrar if the kubelet does not want the driver, so that the part shows up as missing.
func (r *registrar) NotifyRegistrationStatus(_ context.Context, status *registration.RegistrationStatus) (*registration.RegistrationStatusResponse, error) {
	if !status.PluginRegistered {
		log.Fatalf("the kubelet refuses %s: %s", r.driver.Name, status.Error)
	}
	log.Printf("%s is registered", r.driver.Name)
	return &registration.RegistrationStatusResponse{}, nil
}

func main() {
	if len(os.Args) != 4 {
		log.Fatal("usage: csi-registrar NAME DRIVER-SOCKET OWN-SOCKET")
	}
	server := grpc.NewServer()
	registration.RegisterRegistrationServer(server, &registrar{driver: registration.PluginInfo{
		Type: registration.CSIPlugin, Name: os.Args[1], Endpoint: os.Args[2], SupportedVersions: []string{"1.0.0"},
	}})
	log.Fatal(serve(server, os.Args[3]))
}

// One that was killed left its socket behind.
func serve(server *grpc.Server, socket string) error {
	if err := os.Remove(socket); err != nil && !os.IsNotExist(err) {
		return err
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	return server.Serve(listener)
}
