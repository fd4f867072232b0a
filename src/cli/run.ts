import { exitCodes } from "./command-error.js";
import { runCommandLine } from "./program.js";
import { processTerminal } from "./terminal.js";

// A command does its work even if nobody reads its output. A reader may stop early, as `head` does; this is not an error, but
// others are, such as a full disk.
let isOutputLost = false;
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", ({ code }: NodeJS.ErrnoException) => {
    if (code === "EPIPE") return;
    isOutputLost = true;
    process.exitCode = exitCodes.failed;
  });
}

runCommandLine(process.argv.slice(2), processTerminal()).then((exitCode) => {
  process.exitCode = isOutputLost ? exitCodes.failed : exitCode;
});
