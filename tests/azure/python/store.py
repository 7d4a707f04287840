"""Stores a text as a blob and reads it back: store.py CONTAINER TEXT. An ordinary program, which knows nothing of tests."""

import os
import sys

from azure.identity import DefaultAzureCredential
from azure.storage.blob import BlobServiceClient


def main(container, text):
    service = BlobServiceClient(os.environ["AZURE_STORAGEBLOB_RESOURCEENDPOINT"], credential=DefaultAzureCredential())
    blob = service.create_container(container).upload_blob("greeting", text.encode())
    print(blob.download_blob().readall().decode())


main(*sys.argv[1:])
