// Stores a text as a blob and reads it back: store CONTAINER TEXT. An ordinary program, which knows nothing of tests.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
)

func main() {
	log.SetFlags(0)
	if err := store(context.Background(), os.Args[1], os.Args[2]); err != nil {
		log.Fatal(err)
	}
}

func store(ctx context.Context, container, text string) error {
	credential, err := azidentity.NewDefaultAzureCredential(nil)
	if err != nil {
		return err
	}
	client, err := azblob.NewClient(os.Getenv("AZURE_STORAGEBLOB_RESOURCEENDPOINT"), credential, nil)
	if err != nil {
		return err
	}
	if _, err = client.CreateContainer(ctx, container, nil); err != nil {
		return err
	}
	if _, err = client.UploadBuffer(ctx, container, "greeting", []byte(text), nil); err != nil {
		return err
	}
	answer, err := client.DownloadStream(ctx, container, "greeting", nil)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	read, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	fmt.Println(string(read))
	return nil
}
