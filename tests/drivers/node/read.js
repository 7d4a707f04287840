// Hands connection strings to the clients of Node and says what their own parsers read; see tests/drivers/README.md.
// NODE_PATH names the folder with the packages.
'use strict';

const path = require('node:path');
const readline = require('node:readline');
const { BlobServiceClient } = require('@azure/storage-blob');
const { CosmosClient } = require('@azure/cosmos');
const { MongoClient } = require('mongodb');
const { QueueServiceClient } = require('@azure/storage-queue');
const { ShareServiceClient } = require('@azure/storage-file-share');
const { WebPubSubServiceClient } = require('@azure/web-pubsub');
const { parseEventHubConnectionString } = require('@azure/event-hubs');
const { parseServiceBusConnectionString } = require('@azure/service-bus');
const Redis = require('ioredis');
const ado = require('@tediousjs/connection-string');
const mssql = require('mssql');
const mysql = require('mysql2/promise');
const mysqlPool = require('mysql2');
const pg = require('pg');
const pgConnectionString = require('pg-connection-string');
const redis = require('redis');

// A file inside a package, past the list of what it exports.
const inside = (name, file) => path.join(path.dirname(require.resolve(name)), file);
const { getClientParamsFromConnectionString } = require(inside('@azure/data-tables', 'utils/connectionString.js'));

// What the client of App Configuration makes of a string goes straight into a policy that hides it: listen there.
let appConfiguration;
const policy = inside('@azure/app-configuration', 'appConfigCredential.js');
const { appConfigKeyCredentialPolicy } = require(policy);
require.cache[policy].exports = {
  appConfigKeyCredentialPolicy: (id, secret) => {
    appConfiguration = { keyId: id, password: secret };
    return appConfigKeyCredentialPolicy(id, secret);
  },
};
const { AppConfigurationClient } = require('@azure/app-configuration');

// The fields of a client type, by the end of the variable's name.
const NAMES = { HOST: 'host', PORT: 'port', USER: 'user', PASSWORD: 'password', DATABASE: 'database' };

function fields(variables) {
  const pairs = Object.entries(variables).map(([name, value]) => [NAMES[name.split('_').pop()], value]);
  return Object.fromEntries(pairs.filter(([name]) => name));
}

async function pgLogin({ variables }) {
  const client = new pg.Client({ ...fields(variables), ssl: variables.AZURE_POSTGRESQL_SSL });
  await client.connect();
  const { rows } = await client.query('select current_user as user, current_database() as database, ssl as tls from pg_stat_ssl where pid = pg_backend_pid()');
  await client.end();
  return rows[0];
}

async function mysqlLogin({ variables }) {
  const client = await mysql.createConnection({ ...fields(variables), ssl: {} });
  const [[row]] = await client.query("select left(user(), char_length(user()) - char_length(substring_index(user(), '@', -1)) - 1) as user, database() as `database`");
  const [[status]] = await client.query("show session status like 'Ssl_cipher'");
  await client.end();
  return { ...row, tls: status.Value !== '' };
}

async function ioredisRead({ text, login }) {
  const client = new Redis(text, { lazyConnect: true, retryStrategy: null });
  const { host, port, password, db, tls } = client.options;
  if (!login) return { host, port, password, database: db, tls: Boolean(tls) };
  try {
    client.on('error', () => {});
    await client.connect();
    return { user: await client.call('ACL', 'WHOAMI'), tls: Boolean(client.stream.encrypted) };
  } finally {
    client.disconnect();
  }
}

async function nodeRedisRead({ text, login }) {
  const client = redis.createClient({ url: text, socket: { reconnectStrategy: false } });
  const { socket, password, database } = client.options;
  if (!login) return { host: socket.host, port: socket.port, password, database, tls: socket.tls };
  client.on('error', () => {});
  await client.connect();
  const user = await client.sendCommand(['ACL', 'WHOAMI']);
  client.destroy();
  return { user, tls: socket.tls };
}

function mongoRead({ text }) {
  const { credentials, hosts, srvHost, dbName, appName } = new MongoClient(text).options;
  const { host, port } = hosts[0] ?? { host: srvHost };
  return { host, port, user: credentials.username, password: credentials.password, database: dbName, property: appName };
}

// Any ADO.NET string; SQL Server's own reading of it is mssql's.
function adoRead({ text }) {
  const read = ado.parse(text);
  const first = (...names) => names.map((name) => read.get(name)).find((value) => value !== undefined);
  const [host, port] = first('server', 'data source').replace(/^tcp:/, '').split(',');
  return {
    host,
    port: port ?? first('port'),
    user: first('user id'),
    password: first('password'),
    database: first('database', 'initial catalog'),
    property: first('application name'),
  };
}

function mssqlRead({ text }) {
  const { server, port, user, password, database, options } = mssql.ConnectionPool.parseConnectionString(text);
  return { host: server, port, user, password, database, property: options.appName };
}

function mysqlRead({ text }) {
  const pool = mysqlPool.createPool({ uri: text });
  const { host, port, user, password, database } = pool.config.connectionConfig;
  return { host, port, user, password, database };
}

function pgRead({ text }) {
  const { host, port, user, password, database, application_name: property } = pgConnectionString.parse(text);
  return { host, port, user, password, database, property };
}

// The clients of storage decode the key at once.
const storageRead = (client) => ({ text }) => {
  const { url, accountName, credential } = client.fromConnectionString(text);
  return { account: accountName, password: credential.accountKey.toString('base64'), host: new URL(url).hostname };
};

function tablesRead({ text }) {
  const { url, credential } = getClientParamsFromConnectionString(text);
  return { account: credential.name, password: credential.key, host: new URL(url).hostname };
}

function busRead({ fullyQualifiedNamespace, sharedAccessKeyName, sharedAccessKey }) {
  return { host: fullyQualifiedNamespace, keyName: sharedAccessKeyName, password: sharedAccessKey };
}

function appConfigurationRead({ text }) {
  appConfiguration = undefined;
  new AppConfigurationClient(text);
  return appConfiguration;
}

function webPubSubRead({ text }) {
  const client = new WebPubSubServiceClient(text, 'hub');
  return { host: new URL(client.endpoint).hostname, password: client.credential.key };
}

function cosmosRead({ text }) {
  const { endpoint, key } = new CosmosClient(text).clientContext.cosmosClientOptions;
  return { endpoint, password: key };
}

// Each parser: its package, and how it is asked.
const PARSERS = {
  pg: ['pg', pgLogin],
  'pg-connection-string': ['pg-connection-string', pgRead],
  mysql2: ['mysql2', (it) => (it.login ? mysqlLogin(it) : mysqlRead(it))],
  '@tediousjs/connection-string': ['@tediousjs/connection-string', adoRead],
  mssql: ['mssql', mssqlRead],
  ioredis: ['ioredis', ioredisRead],
  'node-redis': ['redis', nodeRedisRead],
  mongodb: ['mongodb', mongoRead],
  '@azure/storage-blob': ['@azure/storage-blob', storageRead(BlobServiceClient)],
  '@azure/storage-queue': ['@azure/storage-queue', storageRead(QueueServiceClient)],
  '@azure/storage-file-share': ['@azure/storage-file-share', storageRead(ShareServiceClient)],
  '@azure/data-tables': ['@azure/data-tables', tablesRead],
  '@azure/event-hubs': ['@azure/event-hubs', ({ text }) => busRead(parseEventHubConnectionString(text))],
  '@azure/service-bus': ['@azure/service-bus', ({ text }) => busRead(parseServiceBusConnectionString(text))],
  '@azure/app-configuration': ['@azure/app-configuration', appConfigurationRead],
  '@azure/web-pubsub': ['@azure/web-pubsub', webPubSubRead],
  '@azure/cosmos': ['@azure/cosmos', cosmosRead],
};

const version = (name) => require(path.join(process.env.NODE_PATH, name, 'package.json')).version;

async function answer({ id, parser, ...rest }) {
  try {
    const read = await PARSERS[parser][1](rest);
    const known = Object.entries(read).filter(([, value]) => value !== undefined && value !== null);
    return { id, read: Object.fromEntries(known.map(([name, value]) => [name, String(value)])) };
  } catch (error) {
    return { id, error: `${error.name}: ${error.message}` };
  }
}

async function main() {
  const print = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
  print({ versions: Object.fromEntries(Object.entries(PARSERS).map(([parser, [name]]) => [parser, version(name)])) });
  for await (const line of readline.createInterface({ input: process.stdin })) print(await answer(JSON.parse(line)));
  process.exit(0);
}

main();
