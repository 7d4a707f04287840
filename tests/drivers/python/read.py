"""Hands connection strings to Python's clients and says what their own parsers read.

One case a line on standard input, one answer a line on standard output; the first line has the version of each parser.
A case is {id, parser, text, variables}; an answer {id, read: {field: text}} or {id, error}. With `login` a real server is asked.
"""

import json
import os
import queue
import socket
import struct
import sys
import threading
from importlib.metadata import version
from urllib.parse import urlsplit

import confluent_kafka
import mssql_python.connection_string_parser
import mysql.connector
import psycopg
import pymongo.uri_parser_shared
import pymysql
import redis
from azure.appconfiguration._utils import parse_connection_string as parse_app_configuration
from azure.cosmos.cosmos_client import _parse_connection_str as parse_cosmos
from azure.data.tables import TableServiceClient
from azure.eventhub import parse_connection_string as parse_event_hubs
from azure.messaging.webpubsubservice import WebPubSubServiceClient
from azure.servicebus import ServiceBusClient
from azure.storage.blob import BlobServiceClient
from azure.storage.fileshare import ShareServiceClient
from azure.storage.queue import QueueServiceClient

# The names that the documented code hands to the client, by the end of the variable's name.
FIELDS = {"HOST": "host", "USER": "user", "PASSWORD": "password", "NAME": "database", "PORT": "port"}


def libpq(case):
    """libpq's own parser, for keywords and URIs; a login asks the server who came, and through what."""
    if case.get("login"):
        with psycopg.connect(case["text"]) as connection:
            query = "select current_user, current_database(), ssl from pg_stat_ssl where pid = pg_backend_pid()"
            user, database, tls = connection.execute(query).fetchone()
            return {"user": user, "database": database, "tls": tls}
    read = psycopg.conninfo.conninfo_to_dict(case["text"])
    names = {"dbname": "database", "application_name": "property", "sslmode": "tls"}
    return {names.get(name, name): value for name, value in read.items()}


def my_sql(connect):
    """A client of MySQL that takes fields; only a login shows what becomes of them."""

    def login(case):
        fields = {FIELDS[name.rsplit("_", 1)[1]]: value for name, value in case["variables"].items()}
        with connect(**fields) as connection:
            cursor = connection.cursor()
            cursor.execute("select left(user(), char_length(user()) - char_length(substring_index(user(), '@', -1)) - 1), database(), variable_value from information_schema.session_status"
                           " where variable_name = 'Ssl_cipher'")
            user, database, cipher = (text.decode() if isinstance(text, bytearray) else text for text in cursor.fetchone())
            return {"user": user, "database": database, "tls": bool(cipher)}

    return login


def pymysql_connect(**fields):
    return pymysql.connect(**fields, ssl={"ca": os.environ["SSL_CERT_FILE"]})


def redis_py(case):
    if case.get("login"):
        with redis.Redis.from_url(case["text"]) as client:
            return {"user": client.acl_whoami(), "tls": client.connection_pool.connection_class is redis.SSLConnection}
    read = redis.connection.parse_url(case["text"])
    return {"host": read["host"], "port": read["port"], "password": read["password"], "database": read["db"],
            "tls": read["connection_class"] is redis.SSLConnection}


def mongo(case):
    """The part of pymongo's parser that asks no name server."""
    read = pymongo.uri_parser_shared._validate_uri(case["text"])
    host, port = read["nodelist"][0] if read["nodelist"] else (read["fqdn"], None)
    return {"host": host, "port": port, "user": read["username"], "password": read["password"], "database": read["database"],
            "property": read["options"].get("appname")}


def odbc(case):
    read = mssql_python.connection_string_parser._ConnectionStringParser()._parse(case["text"])
    names = {"server": "host", "uid": "user", "pwd": "password", "application name": "property", "app": "property"}
    fields = {names.get(name, name): value for name, value in read.items()}
    host, port = fields["host"].removeprefix("tcp:").split(",")
    return fields | {"host": host, "port": port}


def storage(client):
    def read(case):
        service = client.from_connection_string(case["text"])
        return {"account": service.credential.account_name, "password": service.credential.account_key, "host": service.primary_hostname}

    return read


def tables(case):
    service = TableServiceClient.from_connection_string(case["text"])
    return {"account": service.credential.named_key.name, "password": service.credential.named_key.key, "host": urlsplit(service.url).hostname}


def event_hubs(case):
    read = parse_event_hubs(case["text"])
    return {"host": read.fully_qualified_namespace, "keyName": read.shared_access_key_name, "password": read.shared_access_key}


def service_bus(case):
    client = ServiceBusClient.from_connection_string(case["text"])
    return {"host": client.fully_qualified_namespace, "keyName": client._credential.policy, "password": client._credential.key}


def app_configuration(case):
    endpoint, identity, secret = parse_app_configuration(case["text"])
    return {"endpoint": endpoint, "keyId": identity, "password": secret}


def web_pubsub(case):
    client = WebPubSubServiceClient.from_connection_string(case["text"], "hub")
    return {"host": urlsplit(client._config.endpoint).hostname, "password": client._config.credential.key}


def cosmos(case):
    read = parse_cosmos(case["text"], None)
    return {"endpoint": read["AccountEndpoint"], "password": read["AccountKey"]}


# Of the protocol of Kafka.
METADATA, SASL_HANDSHAKE, API_VERSIONS, UNSUPPORTED_VERSION = 3, 17, 18, 35


class Broker:
    """As much of a Kafka broker as it takes to hear what librdkafka says in SASL PLAIN, without TLS, on the loopback."""

    def __init__(self):
        self.heard = queue.Queue()
        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            client, _ = self.listener.accept()
            with client:
                self.handshake(client)

    def handshake(self, client):
        """Offers SaslHandshake v0 (KIP-43), after which the bare token comes; hangs up instead of an answer to that."""
        stream = client.makefile("rb")
        while True:
            request = message(stream)
            key, requested, correlation = struct.unpack(">hh4s", request[:8])
            if key == SASL_HANDSHAKE:
                send(client, correlation + struct.pack(">hih", 0, 1, 5) + b"PLAIN")
                self.heard.put(message(stream).split(b"\0"))
                return
            offered = [(METADATA, 0, 1), (SASL_HANDSHAKE, 0, 0), (API_VERSIONS, 0, 0)]
            error = UNSUPPORTED_VERSION if requested > 0 else 0
            send(client, correlation + struct.pack(">hi", error, len(offered)) + b"".join(struct.pack(">hhh", *api) for api in offered))


def message(stream):
    return stream.read(struct.unpack(">i", stream.read(4))[0])


def send(client, answer):
    client.sendall(struct.pack(">i", len(answer)) + answer)


BROKER = Broker()


def kafka(case):
    """What librdkafka sends to a broker: it has no way to ask what it took in."""
    variables = {name.rsplit("_", 1)[1]: value for name, value in case["variables"].items() if name.startswith("CONFLUENTCLOUD_")}
    settings = {
        "security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN",
        "sasl.username": variables["SASLUSERNAME"], "sasl.password": variables["SASLPASSWORD"],
        "bootstrap.servers": "127.0.0.1:%d" % BROKER.listener.getsockname()[1], "log_level": 0,
    }
    producer = confluent_kafka.Producer(settings, logger=None)
    producer.poll(0)
    _, user, password = BROKER.heard.get(timeout=10)
    return {"user": user.decode(), "password": password.decode(), "server": variables["BOOTSTRAPSERVER"]}


PARSERS = {
    "libpq": ("psycopg", libpq),
    "pymysql": ("pymysql", my_sql(pymysql_connect)),
    "mysql-connector-python": ("mysql-connector-python", my_sql(mysql.connector.connect)),
    "redis-py": ("redis", redis_py),
    "pymongo": ("pymongo", mongo),
    "mssql-python": ("mssql-python", odbc),
    "azure-storage-blob": ("azure-storage-blob", storage(BlobServiceClient)),
    "azure-storage-queue": ("azure-storage-queue", storage(QueueServiceClient)),
    "azure-storage-file-share": ("azure-storage-file-share", storage(ShareServiceClient)),
    "azure-data-tables": ("azure-data-tables", tables),
    "azure-eventhub": ("azure-eventhub", event_hubs),
    "azure-servicebus": ("azure-servicebus", service_bus),
    "azure-appconfiguration": ("azure-appconfiguration", app_configuration),
    "azure-messaging-webpubsubservice": ("azure-messaging-webpubsubservice", web_pubsub),
    "azure-cosmos": ("azure-cosmos", cosmos),
    "confluent-kafka": ("confluent-kafka", kafka),
}


def answer(case):
    try:
        read = PARSERS[case["parser"]][1](case)
        return {"id": case["id"], "read": {name: text_of(value) for name, value in read.items() if value is not None}}
    except Exception as error:  # Whatever a client throws is its answer.
        return {"id": case["id"], "error": f"{type(error).__name__}: {error}"}


def text_of(value):
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


def main():
    print(json.dumps({"versions": {parser: version(package) for parser, (package, _) in PARSERS.items()}}))
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))))


main()
