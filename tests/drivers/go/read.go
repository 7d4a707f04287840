// Command read hands connection strings to the clients of Go and says what their own parsers read; see tests/drivers/README.md.
package main

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/microsoft/go-mssqldb/msdsn"
	"github.com/redis/go-redis/v9"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/connstring"
)

type fields = map[string]string

type question struct {
	ID     int    `json:"id"`
	Parser string `json:"parser"`
	Text   string `json:"text"`
	Login  bool   `json:"login"`
}

type answer struct {
	ID    int    `json:"id"`
	Read  fields `json:"read,omitempty"`
	Error string `json:"error,omitempty"`
}

// Each parser: its module, how it reads, and how it logs in where there is a server for it.
var parsers = map[string]struct {
	module      string
	read, login func(string) (fields, error)
}{
	"pgx":           {"github.com/jackc/pgx/v5", readPgx, loginPgx},
	"go-sql-driver": {"github.com/go-sql-driver/mysql", readMySQL, loginMySQL},
	"go-mssqldb":    {"github.com/microsoft/go-mssqldb", readSQLServer, nil},
	"go-redis":      {"github.com/redis/go-redis/v9", readRedis, loginRedis},
	"mongo-driver":  {"go.mongodb.org/mongo-driver/v2", readMongo, nil},
}

func readPgx(text string) (fields, error) {
	config, err := pgx.ParseConfig(text)
	if err != nil {
		return nil, err
	}
	return fields{
		"host": config.Host, "port": strconv.Itoa(int(config.Port)), "user": config.User, "password": config.Password,
		"database": config.Database, "property": config.RuntimeParams["application_name"],
		"tls": strconv.FormatBool(config.TLSConfig != nil),
	}, nil
}

func loginPgx(text string) (fields, error) {
	ctx := context.Background()
	connection, err := pgx.Connect(ctx, text)
	if err != nil {
		return nil, err
	}
	defer connection.Close(ctx)
	var user, database, tls string
	query := "select current_user::text, current_database()::text, ssl::text from pg_stat_ssl where pid = pg_backend_pid()"
	err = connection.QueryRow(ctx, query).Scan(&user, &database, &tls)
	return fields{"user": user, "database": database, "tls": tls}, err
}

func readMySQL(text string) (fields, error) {
	config, err := mysql.ParseDSN(text)
	if err != nil {
		return nil, err
	}
	host, port, _ := strings.Cut(config.Addr, ":")
	return fields{
		"host": host, "port": port, "user": config.User, "password": config.Passwd, "database": config.DBName, "tls": config.TLSConfig,
		"property": config.ConnectionAttributes,
	}, nil
}

func loginMySQL(text string) (fields, error) {
	database, err := sql.Open("mysql", text)
	if err != nil {
		return nil, err
	}
	defer database.Close()
	var user, name, cipher string
	query := "select left(user(), char_length(user()) - char_length(substring_index(user(), '@', -1)) - 1), database(), variable_value from information_schema.session_status where variable_name = 'Ssl_cipher'"
	err = database.QueryRow(query).Scan(&user, &name, &cipher)
	return fields{"user": user, "database": name, "tls": strconv.FormatBool(cipher != "")}, err
}

func readSQLServer(text string) (fields, error) {
	config, err := msdsn.Parse(text)
	if err != nil {
		return nil, err
	}
	return fields{
		"host": config.Host, "port": strconv.FormatUint(config.Port, 10), "user": config.User, "password": config.Password,
		"database": config.Database, "property": config.AppName,
	}, nil
}

func readRedis(text string) (fields, error) {
	options, err := redis.ParseURL(text)
	if err != nil {
		return nil, err
	}
	host, port, _ := strings.Cut(options.Addr, ":")
	return fields{
		"host": host, "port": port, "password": options.Password, "database": strconv.Itoa(options.DB),
		"tls": strconv.FormatBool(options.TLSConfig != nil),
	}, nil
}

func loginRedis(text string) (fields, error) {
	options, err := redis.ParseURL(text)
	if err != nil {
		return nil, err
	}
	client := redis.NewClient(options)
	defer client.Close()
	user, err := client.ACLWhoAmI(context.Background()).Result()
	return fields{"user": user, "tls": strconv.FormatBool(options.TLSConfig != nil)}, err
}

// The parser asks a name server about `mongodb+srv`; what is before and behind the host it reads in the same way without.
func readMongo(text string) (fields, error) {
	text = strings.Replace(text, "mongodb+srv://", "mongodb://", 1)
	config, err := connstring.Parse(text)
	if err != nil {
		return nil, err
	}
	host, port, _ := strings.Cut(config.Hosts[0], ":")
	return fields{
		"host": host, "port": port, "user": config.Username, "password": config.Password, "database": config.Database, "property": config.AppName,
	}, nil
}

func (q question) answer() answer {
	parser, known := parsers[q.Parser]
	if !known {
		return answer{ID: q.ID, Error: "no such parser"}
	}
	ask := parser.read
	if q.Login {
		ask = parser.login
	}
	read, err := ask(q.Text)
	if err != nil {
		return answer{ID: q.ID, Error: err.Error()}
	}
	return answer{ID: q.ID, Read: read}
}

func versions() fields {
	built, _ := debug.ReadBuildInfo()
	found := fields{}
	for name, parser := range parsers {
		for _, module := range built.Deps {
			if module.Path == parser.module {
				found[name] = strings.TrimPrefix(module.Version, "v")
			}
		}
	}
	return found
}

func main() {
	output := json.NewEncoder(os.Stdout)
	_ = output.Encode(map[string]fields{"versions": versions()})
	input := bufio.NewScanner(os.Stdin)
	input.Buffer(nil, 1<<20)
	for input.Scan() {
		var q question
		if err := json.Unmarshal(input.Bytes(), &q); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		_ = output.Encode(q.answer())
	}
}
