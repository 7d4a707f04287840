"""Reads a secret from a key vault, and says only what its SHA-256 sum is: read.py NAME. An ordinary program, which knows nothing of tests."""

import hashlib
import os
import sys

from azure.identity import DefaultAzureCredential
from azure.keyvault.secrets import SecretClient


def main(name):
    client = SecretClient(os.environ["AZURE_KEYVAULT_RESOURCEENDPOINT"], credential=DefaultAzureCredential())
    print(hashlib.sha256(client.get_secret(name).value.encode()).hexdigest())


main(*sys.argv[1:])
