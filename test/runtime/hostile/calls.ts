import {
  CompositeTask,
  configure,
  DataInterface,
  dateToVersion,
  decodeFrames,
  dispatchKey,
  encodeFrames,
  existingTasks,
  fromBatch,
  isTaskError,
  moveTasks,
  OpaqueTask,
  perform,
  recover,
  redeliver,
  revive,
  Task,
  TaskGenerator,
  toBatch,
  versionToDate,
} from "taskledger";
import { VersionClock } from "taskledger/adapter";
import { MemoryAdapter } from "taskledger/memory";
import { describeSchema, openStore, parseStoreUrl } from "taskledger/store";
import { FetchFileTask } from "../../../gen/example/v1/fetch_file_task.js";
import { EverythingTask } from "../kinds.js";
import { type Any, adapter, key, newTask, signal, tasks, types } from "./values.js";

/** What a call needs, so that but one of its arguments is hostile. */
export type Call = readonly [act: (...args: Any[]) => unknown, ...valid: unknown[]];

/** The members of an object whose accessors may throw: that is not what is tested. */
function spread(value: unknown): object {
  try {
    return { ...(value as object) };
  } catch {
    return {};
  }
}

const claim = async () => {
  const own = new DataInterface({ types, adapter: new MemoryAdapter() });
  return (await own.claim(await own.create(FetchFileTask, key))) as Any;
};
const saved = () => tasks.create(FetchFileTask, key);
const other = () => new DataInterface({ types, adapter: new MemoryAdapter() });

export const calls: Record<string, Call> = {
  "build with hostile headers": [(headers) => FetchFileTask.build(key, { headers } as Any), {}],
  "build with a hostile header": [(x) => FetchFileTask.build(key, { headers: { x } } as Any), ""],
  build: [(...a) => (FetchFileTask as Any).build(...a), key, {}],
  "build of everything": [(...a) => (EverythingTask as Any).build(...a), key, {}],
  "build of another class": [(self, ...a) => (Task as Any).build.apply(self, a), FetchFileTask, key, {}],
  "new": [(...a) => new (FetchFileTask as Any)(...a), key, {}],
  "new of everything": [(data, options) => new (EverythingTask as Any)({ ...key, data }, options).toBinary(), {}, {}],
  "Task.create": [(...a) => (FetchFileTask as Any).create(...a), key, {}],
  fromBinary: [(...a) => tasks.fromBinary(...a), newTask().toBinary()],
  "Class.fromBinary": [(...a) => (FetchFileTask as Any).fromBinary(...a), newTask().toBinary()],
  fromHash: [(...a) => tasks.fromHash(...a), newTask().asHash(), {}],
  "Class.fromHash": [(...a) => (FetchFileTask as Any).fromHash(...a), newTask().asHash(), {}],
  "fromHash with hostile data": [(data) => tasks.fromHash({ ...key, data }), {}],
  "fromHash with hostile fields": [
    (data) => tasks.fromHash({ ...key, data: { "@type": "x/kinds.Everything", ...spread(data) } }),
    {},
  ],
  "fromHash with a hostile field": [
    (value) =>
      tasks.fromHash({
        ...key,
        data: {
          "@type": "x/kinds.Everything",
          text: value,
          struct: value,
          any: value,
          children: [value],
          timestamp: value,
        },
      }),
    {},
  ],
  "changed data": [
    (value) => {
      const task = EverythingTask.build(key);
      Object.assign(task.data, { text: value });
      return [task.toBinary(), task.asHash()];
    },
    "x",
  ],
  "changed headers": [
    (value) => {
      const task: Any = newTask();
      task.envelope.headers.x = value;
      return task.toBinary();
    },
    "x",
  ],
  save: [(...a) => tasks.save(...a), newTask(), {}],
  "task.save": [(options) => tasks.fromBinary(newTask().toBinary()).save(options), {}],
  "task.complete": [async (options) => (await saved()).complete(options), {}],
  create: [(...a) => tasks.create(...a), FetchFileTask, key, {}],
  find: [(...a) => tasks.find(...a), "list", "id", {}],
  all: [(...a) => tasks.all(...a), "list", {}],
  complete: [(...a) => tasks.complete(...a), newTask(), {}],
  claim: [async (options) => tasks.claim(await saved(), options), {}],
  "claim of a task": [(task) => tasks.claim(task), newTask()],
  "claim.renew": [async (options) => (await claim()).renew(options), {}],
  "claim.release": [async (options) => (await claim()).release(options), {}],
  stale: [(...a) => tasks.stale(...a), "list", { olderThan: 1 }],
  saveAll: [(...a) => tasks.saveAll(...a), [newTask()], {}],
  completeAll: [(...a) => tasks.completeAll(...a), [], {}],
  toBatch: [(...a) => (toBatch as Any)(...a), [newTask()], {}],
  fromBatch: [(...a) => (fromBatch as Any)(...a), toBatch([newTask()]), { types }],
  "interface.fromBatch": [(...a) => tasks.fromBatch(...a), toBatch([newTask()]), {}],
  encodeFrames: [(...a) => (encodeFrames as Any)(...a), [newTask()], {}],
  decodeFrames: [(...a) => (decodeFrames as Any)(...a), [], { types }],
  "interface.decodeFrames": [(...a) => tasks.decodeFrames(...a), [], {}],
  "new TaskGenerator": [(...a) => new (TaskGenerator as Any)(...a), [newTask()], [newTask()]],
  "generator.append": [(...a) => new TaskGenerator().append(...a), [newTask()]],
  existingTasks: [(...a) => (existingTasks as Any)(...a), "list", { tasks }],
  moveTasks: [(...a) => (moveTasks as Any)(...a), tasks, other(), "list", {}],
  "composite.run": [
    (options) => tasks.fromBinary(CompositeTask.build({ ...key, childTaskList: "none" }).toBinary()).run(options),
    {},
  ],
  "composite.execute": [
    (context) => tasks.fromBinary(CompositeTask.build({ ...key, childTaskList: "none" }).toBinary()).execute(context),
    { signal },
  ],
  recover: [
    (own, list, handler, options) => (recover as Any)(own, list, handler, options),
    tasks,
    "none",
    () => {},
    { olderThan: 0 },
  ],
  saveTogether: [(...a) => tasks.saveTogether(...a), [newTask()], {}],
  "saveTogether of a hostile task": [(task) => tasks.saveTogether([newTask(), task]), newTask()],
  claimState: [(...a) => tasks.claimState(...a), key, {}],
  lists: [(options) => tasks.lists(options), {}],
  stats: [(...a) => tasks.stats(...a), "list", {}],
  perform: [(...a) => (perform as Any)(...a), tasks, newTask(), () => {}, {}],
  "perform of a task that is open": [async (...a) => (perform as Any)(tasks, await saved(), ...a), () => {}, {}],
  redeliver: [(...a) => (redeliver as Any)(...a), tasks, "none", () => {}, { olderThan: 0 }],
  "recover of a hostile list": [(list) => (recover as Any)(tasks, ["none", list], () => {}, { olderThan: 0 }), "none"],
  "revive of hostile ids": [(ids) => (revive as Any)(tasks, "none", { ids }), []],
  dispatchKey: [(task) => dispatchKey(task), newTask()],
  "redeliver to a hostile queue": [
    async (send) => {
      const own = other();
      await own.create(FetchFileTask, key);
      return (redeliver as Any)(own, "list", send, { olderThan: 0 });
    },
    () => {},
  ],
  revive: [(...a) => (revive as Any)(...a), tasks, "none", {}],
  "new DataInterface": [(options) => new DataInterface(options), { types, adapter }],
  "an interface with hostile options": [
    (more) => new DataInterface({ types, adapter, ...spread(more) }).find("l", "i"),
    {},
  ],
  "an interface on a hostile adapter": [
    async (own) => {
      const on: Any = new DataInterface({ types, adapter: own });
      for (const act of [
        () => on.save(newTask()),
        () => on.find("l", "i"),
        () => on.all("l").next(),
        () => on.saveAll([newTask()]),
        () => on.close(),
      ])
        await act();
    },
    adapter,
  ],
  "an interface that validates by it": [
    async (validate) => {
      const on = new DataInterface({ types, adapter: new MemoryAdapter(), validate, validateRead: true });
      await on.create(FetchFileTask, key);
      await on.find("list", "id");
    },
    () => [],
  ],
  "an interface that builds its adapter by it": [
    (adapterBuilder) => new DataInterface({ types, adapterBuilder }).find("l", "i"),
    () => adapter,
  ],
  configure: [async (options) => (configure as Any)(options).close(), { types, adapter: new MemoryAdapter() }],
  "new MemoryAdapter": [(options) => new MemoryAdapter(options), {}],
  openStore: [(...a) => (openStore as Any)(...a), "memory:", {}],
  describeSchema: [(...a) => (describeSchema as Any)(...a), "memory:", { replicas: 1 }],
  parseStoreUrl: [(url) => parseStoreUrl(url), "memory:"],
  isTaskError: [(...a) => (isTaskError as Any)(...a), new Error("x"), "TIMEOUT"],
  dateToVersion: [(date) => dateToVersion(date), new Date()],
  versionToDate: [(version) => versionToDate(version), 1n],
  "new VersionClock": [(...a) => new (VersionClock as Any)(...a).next(), () => 1n, 1n],
  "clock.next": [(version) => new VersionClock().next(version), 1n],
  "clock.observe": [(version) => new VersionClock().observe(version), 1n],
  "new OpaqueTask": [(...a) => new (OpaqueTask as Any)(...a), {}, {}],
};

/** Errors, constants and what adapters are made of: they are given what this package makes. */
export const notForHostility = [
  "BulkError",
  "TaskError",
  "Claim",
  "DEFAULT_MAX_TASK_BYTES",
  "MAX_KEY_BYTES",
  "processClock",
  "REDELIVERY",
  "grantClaim",
  "isClaimed",
  "releaseClaim",
  "renewClaim",
];
