// Package taskledger reads, passes on and does Taskledger's tasks, which are remembered until they are done; the package
// cassandra beside it saves, completes, lists and claims them.
//
//	store, err := cassandra.Open(ctx, session, cassandra.Config{Keyspace: "tasks", DataCenter: "dc1"})
//	worker := taskledger.NewWorker(store, taskledger.WorkerOptions{Concurrency: 4})
//	taskledger.Handle(worker, func(ctx context.Context, task *taskledgerv1.TaskEnvelope, file *acmev1.FetchFile) error {
//		return fetch(ctx, file)
//	})
//	summary, err := worker.Run(ctx, os.Stdin) // what is handed over, as frames
//	old := taskledger.ListOptions{OlderThan: time.Minute}
//	summary, err = worker.Recover(ctx, store, "acme.com", old, taskledger.PerformOptions{}) // what others left
//
// docs/protocol.md says what travels between hosts and lies in stores.
package taskledger
