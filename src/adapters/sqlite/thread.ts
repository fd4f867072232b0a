import { parentPort, workerData } from "node:worker_threads";
import { storeError, toPlain } from "./errors.js";
import { type Reply, type Request, type ThreadStart, unpack } from "./operations.js";
import { Writer } from "./writer.js";

// The thread that writes: it opens the file, applies one group of operations after the other, and closes the file.
// `npm run generate` makes thread-code.ts of it.

const start = workerData as ThreadStart;
const reply = (message: Reply) => parentPort?.postMessage(message);

try {
  const writer = new Writer(start);
  parentPort?.on("message", (request: Request) => {
    if (request !== "close") return reply(writer.write(unpack(request)));
    writer.close();
    reply("closed");
  });
  reply("opened");
} catch (error) {
  reply(toPlain(storeError(start.path, error)));
}
