// Hands connection strings to the clients of Java and says what their own parsers read; see tests/drivers/README.md.

import com.azure.core.amqp.implementation.ConnectionStringProperties;
import com.google.gson.Gson;
import com.google.gson.JsonObject;
import com.mongodb.ConnectionString;
import com.mysql.cj.conf.ConnectionUrl;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.logging.LogManager;
import java.util.logging.Logger;
import java.util.regex.Pattern;
import org.apache.kafka.common.config.types.Password;
import org.apache.kafka.common.security.JaasContext;
import org.apache.kafka.common.utils.Utils;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.ConfigurationPropertySources;
import org.springframework.core.env.StandardEnvironment;
import org.springframework.core.env.SystemEnvironmentPropertySource;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.util.JedisURIHelper;

/** Reads cases from standard input, one a line, and answers each in a line of its own. */
public final class Read {
    private static final Gson GSON = new Gson();

    /** One case; a Spring application would have `variables` in its environment, and asks for `key`. */
    private record Case(int id, String parser, String key, String text, Map<String, String> variables, boolean login) {
        boolean isSpring() {
            return variables.keySet().stream().anyMatch(name -> name.startsWith("spring."));
        }

        /** What the driver is given: in Spring what is bound to the property, else the variable itself. */
        String given() {
            return isSpring() ? bound(key) : text;
        }

        /** As Spring Boot binds a property of the environment, placeholders resolved. */
        String bound(String name) {
            var environment = new StandardEnvironment();
            var source = new SystemEnvironmentPropertySource(StandardEnvironment.SYSTEM_ENVIRONMENT_PROPERTY_SOURCE_NAME, Map.copyOf(variables));
            environment.getPropertySources().replace(StandardEnvironment.SYSTEM_ENVIRONMENT_PROPERTY_SOURCE_NAME, source);
            ConfigurationPropertySources.attach(environment);
            return Binder.get(environment).bind(name, String.class).get();
        }
    }

    private interface Parser {
        Map<String, Object> read(Case it) throws Exception;
    }

    /** A parser, and a class of the library that it is from. */
    private record Client(Class<?> library, Parser parser) {}

    private static final Map<String, Client> CLIENTS = new TreeMap<>();

    static {
        CLIENTS.put("pgjdbc", new Client(org.postgresql.Driver.class, Read::postgres));
        CLIENTS.put("connector-j", new Client(com.mysql.cj.jdbc.Driver.class, Read::mySql));
        CLIENTS.put("mssql-jdbc", new Client(com.microsoft.sqlserver.jdbc.SQLServerDriver.class, Read::sqlServer));
        CLIENTS.put("kafka-clients", new Client(JaasContext.class, Read::jaas));
        CLIENTS.put("kafka-clients bootstrap", new Client(Utils.class, Read::bootstrap));
        CLIENTS.put("jedis", new Client(Jedis.class, Read::jedis));
        CLIENTS.put("lettuce", new Client(RedisURI.class, Read::lettuce));
        CLIENTS.put("mongodb-driver-sync", new Client(ConnectionString.class, Read::mongo));
        CLIENTS.put("azure-core-amqp", new Client(ConnectionStringProperties.class, Read::amqp));
        CLIENTS.put("spring-boot", new Client(Binder.class, it -> Map.of("value", it.bound(it.key()))));
    }

    private static Map<String, Object> postgres(Case it) throws Exception {
        if (it.login()) {
            return logIn(it, "select current_user, current_database(), ssl from pg_stat_ssl where pid = pg_backend_pid()");
        }
        Properties read = org.postgresql.Driver.parseURL(it.given(), null);
        return known("host", read.get("PGHOST"), "port", read.get("PGPORT"), "database", read.get("PGDBNAME"), "user", read.get("user"),
                "password", read.get("password"), "tls", read.get("sslmode"), "property", read.get("ApplicationName"));
    }

    private static Map<String, Object> mySql(Case it) throws Exception {
        if (it.login()) {
            return logIn(it, "select left(user(), char_length(user()) - char_length(substring_index(user(), '@', -1)) - 1), database(), variable_value <> '' from information_schema.session_status"
                    + " where variable_name = 'Ssl_cipher'");
        }
        var read = ConnectionUrl.getConnectionUrlInstance(it.given(), new Properties()).getMainHost();
        var properties = read.getHostProperties();
        return known("host", read.getHost(), "port", read.getPort(), "database", read.getDatabase(), "user", read.getUser(),
                "password", read.getPassword(), "tls", properties.get("sslMode"), "property", properties.get("connectionAttributes"));
    }

    private static Map<String, Object> logIn(Case it, String query) throws Exception {
        try (Connection connection = it.isSpring()
                        ? DriverManager.getConnection(it.given(), it.bound("spring.datasource.username"), it.bound("spring.datasource.password"))
                        : DriverManager.getConnection(it.given());
                ResultSet row = connection.createStatement().executeQuery(query)) {
            row.next();
            return known("user", row.getString(1), "database", row.getString(2), "tls", row.getBoolean(3));
        }
    }

    /** The driver's parser by reflection: what it has in public keeps the password to itself. */
    private static Map<String, Object> sqlServer(Case it) throws Exception {
        var method = Class.forName("com.microsoft.sqlserver.jdbc.Util").getDeclaredMethod("parseUrl", String.class, Logger.class);
        method.setAccessible(true);
        var read = (Properties) method.invoke(null, it.given(), Logger.getAnonymousLogger());
        return known("host", read.get("serverName"), "port", read.get("portNumber"), "database", read.get("databaseName"),
                "user", read.getOrDefault("user", read.get("msiClientId")), "password", read.get("password"),
                "property", read.get("applicationName"));
    }

    private static Map<String, Object> jaas(Case it) {
        var context = JaasContext.loadClientContext(Map.of("sasl.jaas.config", new Password(it.given())));
        var options = context.configurationEntries().get(0).getOptions();
        return known("user", options.get("username"), "password", options.get("password"));
    }

    /** The check of bootstrap.servers, less the question to a name server. */
    private static Map<String, Object> bootstrap(Case it) {
        return known("host", Utils.getHost(it.given()), "port", Utils.getPort(it.given()), "server", it.given());
    }

    private static Map<String, Object> jedis(Case it) throws Exception {
        var uri = new URI(it.given());
        if (it.login()) {
            try (var client = new Jedis(uri)) {
                return known("user", client.aclWhoAmI(), "tls", JedisURIHelper.isRedisSSLScheme(uri));
            }
        }
        return known("host", uri.getHost(), "port", uri.getPort(), "password", JedisURIHelper.getPassword(uri),
                "database", JedisURIHelper.getDBIndex(uri), "tls", JedisURIHelper.isRedisSSLScheme(uri));
    }

    private static Map<String, Object> lettuce(Case it) {
        var uri = RedisURI.create(it.given());
        if (it.login()) {
            return lettuceLogin(uri);
        }
        var password = new String(uri.getCredentialsProvider().resolveCredentials().block().getPassword());
        return known("host", uri.getHost(), "port", uri.getPort(), "password", password, "database", uri.getDatabase(), "tls", uri.isSsl());
    }

    private static RedisClient lettuceClient;

    private static Map<String, Object> lettuceLogin(RedisURI uri) {
        if (lettuceClient == null) {
            lettuceClient = RedisClient.create();
        }
        try (var connection = lettuceClient.connect(uri)) {
            return known("user", connection.sync().aclWhoami(), "tls", uri.isSsl());
        }
    }

    /** The parser asks a name server about `mongodb+srv`; what is before and behind the host it reads in the same way without. */
    private static Map<String, Object> mongo(Case it) {
        var read = new ConnectionString(it.given().replaceFirst("^mongodb\\+srv:", "mongodb:"));
        var host = read.getHosts().get(0).split(":");
        var credential = read.getCredential();
        return known("host", host[0], "port", host.length > 1 ? host[1] : null, "user", credential.getUserName(),
                "password", new String(credential.getPassword()), "database", read.getDatabase(), "property", read.getApplicationName());
    }

    private static Map<String, Object> amqp(Case it) {
        var read = new ConnectionStringProperties(it.given());
        return known("host", read.getEndpoint().getHost(), "keyName", read.getSharedAccessKeyName(), "password", read.getSharedAccessKey());
    }

    private static Map<String, Object> known(Object... pairs) {
        var map = new HashMap<String, Object>();
        for (int i = 0; i < pairs.length; i += 2) {
            if (pairs[i + 1] != null) {
                map.put((String) pairs[i], pairs[i + 1]);
            }
        }
        return map;
    }

    private static JsonObject answer(Case it) {
        var answer = new JsonObject();
        answer.addProperty("id", it.id());
        try {
            var read = new JsonObject();
            CLIENTS.get(it.parser()).parser().read(it).forEach((name, value) -> read.addProperty(name, String.valueOf(value)));
            answer.add("read", read);
        } catch (Exception error) {
            answer.addProperty("error", error + (error.getCause() == null ? "" : ": " + error.getCause()));
        }
        return answer;
    }

    /** The version in the name of a library's file. */
    private static String version(Class<?> library) {
        var file = Path.of(library.getProtectionDomain().getCodeSource().getLocation().getPath()).getFileName().toString();
        var matcher = Pattern.compile("-(\\d.*)\\.jar").matcher(file);
        return matcher.find() ? matcher.group(1) : file;
    }

    /** Makes the authority of the test's servers one that Java trusts. */
    private static void trustAuthority(String file) throws Exception {
        var store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        try (var stream = new FileInputStream(file)) {
            store.setCertificateEntry("authority", CertificateFactory.getInstance("X.509").generateCertificate(stream));
        }
        var path = Files.createTempFile("authority", ".p12");
        path.toFile().deleteOnExit();
        try (var stream = new FileOutputStream(path.toFile())) {
            store.store(stream, "changeit".toCharArray());
        }
        System.setProperty("javax.net.ssl.trustStore", path.toString());
        System.setProperty("javax.net.ssl.trustStorePassword", "changeit");
    }

    public static void main(String[] arguments) throws Exception {
        LogManager.getLogManager().reset();
        if (System.getenv("SSL_CERT_FILE") != null) {
            trustAuthority(System.getenv("SSL_CERT_FILE"));
        }
        var output = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        var versions = new TreeMap<String, String>();
        CLIENTS.forEach((name, client) -> versions.put(name, version(client.library())));
        output.println(GSON.toJson(Map.of("versions", versions)));
        var input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (var line = input.readLine(); line != null; line = input.readLine()) {
            output.println(GSON.toJson(answer(GSON.fromJson(line, Case.class))));
        }
        System.exit(0);
    }
}
