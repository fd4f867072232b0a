import { fork } from "node:child_process";
import { once } from "node:events";

/** Work for a separate process: a benchmark of a suite, or a part of one. */
export interface Job {
  readonly suite: string;
  readonly name: string;
  /** A value that can be sent to another process. */
  readonly params: unknown;
}

/** A result, or the end of the results with its reason. */
export type Message = { readonly result: unknown } | { readonly failed: string };

/** Runs a job in a new process, and yields its results as they arrive. `program` is the bundle of child.ts. */
export async function* runJob<Result>(
  program: string,
  job: Job,
  execArgv: readonly string[] = [],
): AsyncGenerator<Result, void> {
  const child = fork(program, [], { execArgv: ["--expose-gc", ...execArgv], serialization: "advanced" });
  const messages: Message[] = [];
  let wake = () => {};
  child.on("message", (message: Message) => {
    messages.push(message);
    wake();
  });
  const exited = once(child, "exit");
  let ended = false;
  exited.then(() => {
    ended = true;
    wake();
  });
  try {
    child.send(job);
    for (;;) {
      for (let message = messages.shift(); message; message = messages.shift()) {
        if ("failed" in message) throw new Error(`${job.suite} ${job.name}: ${message.failed}`);
        yield message.result as Result;
      }
      if (ended) break;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    if (child.exitCode !== 0) throw new Error(`${job.suite} ${job.name}: its process ended with ${child.exitCode}`);
  } finally {
    child.kill();
    await exited;
  }
}
