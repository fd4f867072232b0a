module github.com/taskledger/taskledger/languages/go

go 1.24.0

require (
	github.com/apache/cassandra-gocql-driver/v2 v2.1.2
	google.golang.org/protobuf v1.36.12
)

require gopkg.in/inf.v0 v0.9.1 // indirect

tool google.golang.org/protobuf/cmd/protoc-gen-go
