import {
  type Adapter,
  type AdapterBuilderOptions,
  type BuildInit,
  type BulkError,
  type Claim,
  CompositeTask,
  configure,
  DataInterface,
  type ExecuteContext,
  existingTasks,
  isTaskError,
  OpaqueTask,
  type PerformResult,
  type RecoverCounts,
  recover,
  Task,
  type TaskClass,
  TaskError,
  TaskGenerator,
  type TaskHash,
  type TaskOf,
} from "taskledger";
import { MemoryAdapter } from "taskledger/memory";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { SendMailTask } from "../../gen/example/v1/send_mail_task.js";
import { KeyedTask, NamesakeTask, NumberedTask } from "./namesake-tasks.js";

// What users' programs may and may not write. It is compiled, not run.

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Compiles where the value's type is exactly this one. */
declare function is<T>(): <V>(value: V & (Same<T, V> extends true ? unknown : never)) => void;

declare const maybeText: string | undefined;
declare const adapter: Adapter;
declare const context: ExecuteContext;

class FetchFile extends FetchFileTask {
  override async execute({ signal }: ExecuteContext): Promise<string> {
    is<AbortSignal>()(signal);
    signal.throwIfAborted();
    return `${this.externalHost}/${this.filename}`;
  }
}

class SendMail extends SendMailTask {}

export function building(): void {
  is<FetchFileTask>()(FetchFileTask.build({ taskList: "l", id: "i", externalHost: "h", filename: "f", size: 5n }));
  is<FetchFileTask>()(new FetchFileTask({ taskList: "l", data: { filename: "f" } }));
  is<FetchFile>()(FetchFile.build({ taskList: "l" }));
  is<SendMail>()(SendMail.build({}));

  // What is optional may be undefined, under exactOptionalPropertyTypes too.
  FetchFileTask.build({ taskList: "l", id: maybeText, filename: maybeText, size: undefined });
  new FetchFileTask({ taskList: "l", id: maybeText, data: { filename: maybeText } });
  FetchFileTask.build({ taskList: "l" }, { headers: undefined, createdAt: undefined });

  // @ts-expect-error there is no such field
  FetchFileTask.build({ taskList: "l", filname: "f" });
  // @ts-expect-error the .proto's names are not those of the data
  FetchFileTask.build({ taskList: "l", external_host: "h" });
  // @ts-expect-error it is text
  FetchFileTask.build({ taskList: "l", filename: 5 });
  // @ts-expect-error it is a bigint
  FetchFileTask.build({ taskList: "l", size: 5 });
  // @ts-expect-error null is no value of a field
  FetchFileTask.build({ taskList: "l", filename: null });
  // @ts-expect-error the list is missing
  FetchFileTask.build({ filename: "f" });
  // @ts-expect-error the data's fields go under `data`
  new FetchFileTask({ taskList: "l", filename: "f" });
  // @ts-expect-error there is no such field in it
  new FetchFileTask({ taskList: "l", data: { filname: "f" } });
  // @ts-expect-error a message's name is not for users to give
  FetchFileTask.build({ taskList: "l", $typeName: "example.v1.FetchFile" });
  // @ts-expect-error there is no such option
  FetchFileTask.build({ taskList: "l" }, { header: {} });
  // @ts-expect-error Task has no type of its own
  Task.build({ taskList: "l" });
  // @ts-expect-error nor can it be made
  new Task({ taskList: "l" });
}

export function buildingWithKeysInTheData(): void {
  is<SendMailTask>()(SendMailTask.build({ mailbox: "m", messageId: "i" }));
  SendMailTask.build({ taskList: "l", id: "i" });
  SendMailTask.build({});
  new SendMailTask({ data: { mailbox: "m" } });
  KeyedTask.build({ taskList: "l", id: "i", text: "t" });
  KeyedTask.build({ text: "t" });

  // @ts-expect-error a field of the data is called id, too
  NumberedTask.build({ taskList: "l", id: "i" });
  // @ts-expect-error so it is if nobody gives one
  NumberedTask.build({ taskList: "l" });
  // @ts-expect-error and if the list's name is the data's, too
  NamesakeTask.build({ taskList: "l", text: "t" });
  is<NamesakeTask>()(new NamesakeTask({ taskList: "l", id: "i", data: { taskList: "other", id: 7n } }));
  // @ts-expect-error the list is the task's, even though the data has one
  new NamesakeTask({ data: { taskList: "l" } });
}

export function initsByThemselves(): void {
  const init: BuildInit<typeof FetchFileTask> = { taskList: "l", filename: maybeText };
  FetchFileTask.build(init);
  const inits: BuildInit<typeof SendMailTask>[] = [{}, { mailbox: "m", recipients: ["r"] }];
  for (const each of inits) SendMailTask.build(each);
  const generic = <C extends TaskClass<FetchFileTask>>(taskClass: C): TaskOf<C> =>
    new taskClass({ taskList: "l" }) as TaskOf<C>;
  is<FetchFile>()(generic(FetchFile));
  // @ts-expect-error there is no such field
  const wrong: BuildInit<typeof FetchFileTask> = { taskList: "l", filname: "f" };
  FetchFileTask.build(wrong);
}

export async function members(task: FetchFileTask): Promise<void> {
  is<string>()(task.filename);
  is<bigint | undefined>()(task.size);
  is<"example.v1.FetchFile">()(task.type);
  is<Date | undefined>()(task.envelope.createdAt);
  is<bigint | undefined>()(task.envelope.savedAt);
  is<FetchFileTask>()(await task.save());
  is<void>()(await task.complete());
  is<unknown>()(await task.execute(context));
  is<TaskHash>()(task.asHash());
  is<Uint8Array<ArrayBuffer>>()(task.toBinary());
  task.data.filename = "another";
  task.envelope.headers.a = "b";
  const bytes: ArrayBufferView<ArrayBuffer> = task.toBinary();
  const json: { [key: string]: unknown } = task.asHash();
  void [bytes, json];
  // @ts-expect-error accessors only read
  task.filename = "f";
  // @ts-expect-error the version is the store's to give
  task.envelope.savedAt = 5n;
  // @ts-expect-error the keys are fixed
  task.id = "i";
  // @ts-expect-error a context has a signal
  await task.execute({});
}

export async function statics(bytes: Uint8Array): Promise<void> {
  is<FetchFile | undefined>()(await FetchFile.find("l", "i"));
  is<FetchFile>()(await FetchFile.create({ taskList: "l" }));
  is<FetchFile>()(FetchFile.fromBinary(bytes));
  is<FetchFile>()(FetchFile.fromHash({}, { ignoreUnknownFields: true }));
  for await (const task of FetchFile.all("l", { savedBefore: new Date() })) is<FetchFile>()(task);
  is<Task | undefined>()(await Task.find("l", "i"));
  is<Task>()(Task.fromBinary(bytes));
  for await (const task of Task.all("l")) is<string>()(task.id);
  for await (const task of OpaqueTask.all("l")) is<TaskError>()(task.reason);
  // @ts-expect-error bytes are no text
  FetchFile.fromBinary("base64");
  // @ts-expect-error a version is a bigint
  FetchFile.all("l", { savedBefore: 5 });
  // @ts-expect-error there is no such field
  await FetchFile.create({ taskList: "l", filname: "f" });
}

export async function interfaces(bytes: Uint8Array): Promise<void> {
  await using tasks = new DataInterface({ types: [FetchFileTask, SendMailTask], adapter: new MemoryAdapter() });
  is<DataInterface<typeof FetchFileTask | typeof SendMailTask>>()(tasks);

  const found = await tasks.find("l", "i");
  is<FetchFileTask | SendMailTask | OpaqueTask | undefined>()(found);
  if (found instanceof FetchFileTask) is<string>()(found.filename);
  // An opaque task may be of a type that is known here, if its data does not decode: the type alone says nothing.
  if (found?.type === "example.v1.FetchFile") {
    is<FetchFileTask | OpaqueTask>()(found);
    // @ts-expect-error it may be opaque, and have no such field
    found.filename;
    if (found instanceof OpaqueTask) is<TaskError>()(found.reason);
    else is<FetchFileTask>()(found);
  }
  if (found instanceof OpaqueTask && found.type === "nobody.v1.Knows") is<OpaqueTask>()(found);
  if (found === undefined || found instanceof OpaqueTask) return;
  is<FetchFileTask | SendMailTask>()(found);
  switch (found.type) {
    case "example.v1.FetchFile":
      is<string>()(found.filename);
      break;
    case "example.v1.SendMail":
      is<string[]>()(found.recipients);
      break;
    default:
      is<never>()(found);
  }
  // @ts-expect-error there is no such type among them
  if (found.type === "example.v1.SendMial") return;

  for await (const task of tasks.all("l", { signal: context.signal })) {
    if (!(task instanceof OpaqueTask) && task.type === "example.v1.FetchFile") is<string>()(task.filename);
    if (task instanceof OpaqueTask) is<TaskError>()(task.reason);
    else if (task.type === "example.v1.SendMail") is<string>()(task.subject);
    else is<bigint | undefined>()(task.size);
  }
  is<FetchFileTask | SendMailTask | OpaqueTask>()(tasks.fromBinary(bytes));
  is<FetchFileTask | SendMailTask | OpaqueTask>()(tasks.fromHash({}));

  is<FetchFileTask>()(await tasks.create(FetchFileTask, { taskList: "l", filename: maybeText }));
  is<SendMailTask>()(
    await tasks.create(SendMailTask, { mailbox: "m" }, { headers: { a: "b" }, signal: context.signal }),
  );
  // A class that extends a registered one is as good.
  is<FetchFile>()(await tasks.create(FetchFile, { taskList: "l" }));
  is<FetchFile>()(await tasks.save(FetchFile.build({ taskList: "l" })));
  // @ts-expect-error it is not among the types
  await tasks.create(CompositeTask, { taskList: "l", childTaskList: "c" });
  // @ts-expect-error there is no such field
  await tasks.create(FetchFileTask, { taskList: "l", filname: "f" });
  // @ts-expect-error the list is missing
  await tasks.create(FetchFileTask, {});
  // @ts-expect-error a task is saved, not its fields
  await tasks.save({ taskList: "l", id: "i" });

  // An interface of some types is one of any.
  const any: DataInterface = tasks;
  is<Task | OpaqueTask | undefined>()(await any.find("l", "i"));
  const some: DataInterface<typeof FetchFileTask> = new DataInterface({ types: [FetchFileTask], adapter });
  const others: DataInterface[] = [tasks, some];
  void others;
}

export function makingInterfaces(): void {
  const adapterBuilder = ({ maxTaskBytes }: AdapterBuilderOptions): Adapter => {
    is<number>()(maxTaskBytes);
    return adapter;
  };
  is<DataInterface<typeof FetchFileTask>>()(configure({ types: [FetchFileTask], adapterBuilder }));
  is<DataInterface<typeof FetchFile>>()(new DataInterface({ types: [FetchFile], adapter, maxTaskBytes: undefined }));
  const types = [FetchFileTask, CompositeTask] as const;
  is<DataInterface<typeof FetchFileTask | typeof CompositeTask>>()(new DataInterface({ types, adapter }));
  // @ts-expect-error an adapter is missing
  new DataInterface({ types: [FetchFileTask] });
  // @ts-expect-error one of them, not both
  new DataInterface({ types: [FetchFileTask], adapter, adapterBuilder });
  // @ts-expect-error the promise of an adapter is none
  new DataInterface({ types: [FetchFileTask], adapter: Promise.resolve(adapter) });
  // @ts-expect-error nor may a builder give one
  new DataInterface({ types: [FetchFileTask], adapterBuilder: async () => adapter });
  // @ts-expect-error the types are classes
  new DataInterface({ types: ["example.v1.FetchFile"], adapter });
  // @ts-expect-error in an array
  new DataInterface({ types: FetchFileTask, adapter });
  // @ts-expect-error Task is none
  new DataInterface({ types: [Task], adapter });
}

export async function many(tasks: DataInterface<typeof FetchFileTask>, files: FetchFileTask[]): Promise<void> {
  is<number>()(await tasks.saveAll(files, { onSaved: (task) => is<FetchFileTask>()(task) }));
  is<number>()(await tasks.completeAll(tasks.all("l"), { concurrency: 8, batchSize: undefined }));
  const generator = new TaskGenerator(files, () => files).append(existingTasks<FetchFileTask>("l"));
  is<TaskGenerator<FetchFileTask>>()(generator);
  for await (const task of generator) is<FetchFileTask>()(task);
  for await (const task of existingTasks("l", { tasks })) is<FetchFileTask | OpaqueTask>()(task);
  await tasks.saveAll(generator).catch((error: BulkError<FetchFileTask>) => {
    for (const failure of error.failures) is<FetchFileTask>()(failure.task);
  });
  // @ts-expect-error tasks, not their names
  await tasks.saveAll(["file1"]);
  // @ts-expect-error there is no such option
  await tasks.saveAll(files, { onCompleted: () => undefined });
}

export async function composites(composite: CompositeTask): Promise<void> {
  is<string>()(composite.childTaskList);
  for await (const child of composite.run({ concurrency: 2, signal: context.signal })) {
    is<PerformResult>()(child);
    is<Task>()(child.task);
  }
  CompositeTask.build({ taskList: "l", childTaskList: "c" });
  class Parallel extends CompositeTask {
    override async execute(context: ExecuteContext): Promise<void> {
      await super.execute({ ...context, concurrency: 4, maxAttempts: 3, deadLetterList: "dead" });
      for await (const child of this.run({ ...context, concurrency: 4 }))
        if (child.type === "failed") throw child.error;
    }
  }
  await Parallel.build({ taskList: "l" }).execute(context);
}

export async function recovery(
  tasks: DataInterface<typeof FetchFile | typeof SendMail>,
  own: FetchFile,
): Promise<void> {
  const claim = await tasks.claim(own, { owner: "worker 1", lease: 30_000, signal: undefined });
  is<Claim | undefined>()(claim);
  if (claim) is<bigint>()(claim.token);
  for await (const task of tasks.stale("l", { olderThan: 60_000, unclaimed: true }))
    is<FetchFile | SendMail | OpaqueTask>()(task);
  const counts = await recover(
    tasks,
    "l",
    async (task, { signal, claim, attempt }) => {
      is<FetchFile | SendMail | OpaqueTask>()(task);
      is<AbortSignal>()(signal);
      is<Claim>()(claim);
      is<number>()(attempt);
    },
    {
      maxAttempts: 5,
      backoff: { initial: 100 },
      every: undefined,
      onExhausted: (task, { attempts }) => [is<FetchFile | SendMail | OpaqueTask>()(task), is<number>()(attempts)],
      onEvent(event) {
        if (event.type === "failed") is<number>()(event.retryIn);
        if (event.type === "store-failed") is<TaskError>()(event.error);
        else if (event.type === "pass") is<RecoverCounts>()(event.counts);
        else is<FetchFile | SendMail | OpaqueTask>()(event.task);
      },
    },
  );
  is<RecoverCounts>()(counts);
  await recover(tasks, "l");
  // @ts-expect-error how old a task must be is for the caller to say
  tasks.stale("l", { unclaimed: true });
  // @ts-expect-error there is no such option
  await recover(tasks, "l", undefined, { retries: 3 });
}

export function errors(error: unknown): void {
  if (isTaskError(error, "TIMEOUT")) is<"not-applied" | "unknown">()(error.outcome);
  // @ts-expect-error there is no such code
  isTaskError(error, "TIME_OUT");
  const made = new TaskError("TIMEOUT", "no answer", { outcome: "unknown", cause: error });
  is<TaskError>()(made);
  // @ts-expect-error a stable code
  made.code = "ABORTED";
}
