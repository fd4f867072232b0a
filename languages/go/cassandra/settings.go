package cassandra

import (
	"context"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	taskledger "github.com/taskledger/taskledger/languages/go"
)

// A grace period is at least so many clock limits.
const clockLimitsInAGracePeriod = 20

// leastGcGrace is as long as hints are kept by default, in seconds: a deletion must outlive the writes under way to a replica.
const leastGcGrace = 3 * 3600

const maxShards = 65_536

// What a client names of the tables.
var columns = map[string][]string{
	"tasks":      {"task_list", "shard", "id", "body"},
	"open_tasks": {"task_list", "shard", "saved_at", "id", "size"},
	"sweeps":     {"task_list", "shard", "swept_to", "ranges"},
	"claims":     {"task_list", "id", "saved_at", "owner", "fencing_token", "attempt", "ends_at"},
	"lists":      {"bucket", "task_list", "noted_at"},
	"settings":   {"name", "value"},
}

// settings are what all clients of a keyspace agree on. The grace period is in microseconds.
type settings struct {
	shards                int
	gracePeriod           int64
	hasSeveralDataCenters bool
}

// readSettings checks the tables and reads the settings. The error is ErrSchemaMismatch, and says what is not as it must be.
func readSettings(ctx context.Context, r *retrying, config Config, clockLimit int64) (settings, error) {
	if !regexp.MustCompile(`^\w{1,48}$`).MatchString(config.Keyspace) {
		return settings{}, taskledger.Errorf(taskledger.ErrInvalidArgument, "a keyspace has 1 to 48 letters, digits and underscores")
	}
	problems, err := problemsOfTables(ctx, r, config.Keyspace)
	if err != nil {
		return settings{}, err
	}
	if len(problems) > 0 {
		return settings{}, mismatch(config.Keyspace, problems)
	}
	return readValues(ctx, r, config, clockLimit)
}

// readValues reads the settings alone. The error is ErrSchemaMismatch.
func readValues(ctx context.Context, r *retrying, config Config, clockLimit int64) (settings, error) {
	// By their names: if a replica does not answer, Cassandra asks another for a row, but not for a whole table.
	query := `SELECT name, value FROM "` + config.Keyspace + `".settings WHERE name IN ?`
	rows, err := r.read(ctx, statement{query, []any{[]string{"layout", "shards", "data_center", "grace_period"}}})
	if err != nil {
		return settings{}, err
	}
	found := map[string]string{}
	for _, each := range rows {
		found[text(each["name"])] = text(each["value"])
	}
	return parseSettings(found, config, clockLimit)
}

func problemsOfTables(ctx context.Context, r *retrying, keyspace string) ([]string, error) {
	query := "SELECT table_name, column_name FROM system_schema.columns WHERE keyspace_name = ?"
	rows, err := r.read(ctx, statement{query, []any{keyspace}})
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return []string{"there is no such keyspace, or it has no tables: CassandraAdapter.createSchema makes them"}, nil
	}
	found := map[string]bool{}
	for _, each := range rows {
		found[text(each["table_name"])+"."+text(each["column_name"])] = true
	}
	var problems []string
	for table, wanted := range columns {
		for _, column := range wanted {
			if !found[table+"."+column] {
				problems = append(problems, fmt.Sprintf("column %s.%s is missing", table, column))
			}
		}
	}
	options, err := problemsOfOptions(ctx, r, keyspace)
	return append(problems, options...), err
}

func problemsOfOptions(ctx context.Context, r *retrying, keyspace string) ([]string, error) {
	query := "SELECT table_name, read_repair, default_time_to_live, gc_grace_seconds FROM system_schema.tables WHERE keyspace_name = ?"
	rows, err := r.read(ctx, statement{query, []any{keyspace}})
	if err != nil {
		return nil, err
	}
	var problems []string
	for _, each := range rows {
		table := text(each["table_name"])
		if columns[table] == nil {
			continue
		}
		if each["read_repair"] != "BLOCKING" {
			problems = append(problems, fmt.Sprintf("table %s: read_repair is %v, and must be BLOCKING", table, each["read_repair"]))
		}
		if ttl := number(each["default_time_to_live"]); ttl != 0 {
			problems = append(problems, fmt.Sprintf("table %s: default_time_to_live is %d, and must be 0: tasks would expire", table, ttl))
		}
		if grace := number(each["gc_grace_seconds"]); grace < leastGcGrace {
			problems = append(problems, fmt.Sprintf("table %s: gc_grace_seconds is %d, and must be at least %d", table, grace, leastGcGrace))
		}
	}
	return problems, nil
}

func parseSettings(found map[string]string, config Config, clockLimit int64) (settings, error) {
	var problems []string
	if found["layout"] != "1" {
		problems = append(problems, fmt.Sprintf("setting layout is %q, and must be \"1\"", found["layout"]))
	}
	shards := wholeNumber(found["shards"])
	if shards < 1 || shards > maxShards || shards&(shards-1) != 0 {
		problems = append(problems, fmt.Sprintf("setting shards is %q, which is no power of two up to %d", found["shards"], maxShards))
	}
	if dataCenter := found["data_center"]; dataCenter != "*" && dataCenter != config.DataCenter {
		problems = append(problems, fmt.Sprintf("its clients must be in data centre %q; this one is in %q", dataCenter, config.DataCenter))
	}
	gracePeriod := wholeNumber(found["grace_period"])
	least := clockLimitsInAGracePeriod * clockLimit / 1000
	if gracePeriod < max(1, least) || gracePeriod > math.MaxInt32 {
		problems = append(problems, fmt.Sprintf("setting grace_period is %q, and must be milliseconds, at least %d", found["grace_period"], least))
	}
	if len(problems) > 0 {
		return settings{}, mismatch(config.Keyspace, problems)
	}
	return settings{int(shards), gracePeriod * 1000, found["data_center"] == "*"}, nil
}

func mismatch(keyspace string, problems []string) error {
	return taskledger.Errorf(taskledger.ErrSchemaMismatch, "keyspace %q: %s", keyspace, strings.Join(problems, "; "))
}

var digits = regexp.MustCompile("^[1-9][0-9]{0,9}$")

// wholeNumber is -1 for what is none.
func wholeNumber(setting string) int64 {
	if !digits.MatchString(setting) {
		return -1
	}
	value, _ := strconv.ParseInt(setting, 10, 64)
	return value
}

func text(value any) string {
	found, _ := value.(string)
	return found
}

func number(value any) int {
	found, _ := value.(int)
	return found
}
