import { parentPort, workerData } from "node:worker_threads";
import { isTaskError } from "../../errors.js";
import { storeError, toPlain } from "./errors.js";
import { type Reply, type Request, unpackGroup, type WorkerStart } from "./operations.js";
import { Writer } from "./writer.js";

// The thread that writes: it opens the file, applies one group of operations after the other, and closes the file.

const start = workerData as WorkerStart;
const reply = (message: Reply) => parentPort?.postMessage(message);

try {
  const writer = new Writer(start);
  parentPort?.on("message", (request: Request) => {
    if (request.kind === "close") {
      writer.close();
      reply({ kind: "closed" });
    } else reply({ kind: "written", results: writer.write(unpackGroup(request.group)) });
  });
  reply({ kind: "opened" });
} catch (error) {
  reply({ kind: "refused", error: toPlain(isTaskError(error) ? error : storeError(start.path, error)) });
}
