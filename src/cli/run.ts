import { commandError, exitCodes } from "./command-error.js";
import { printError } from "./print-error.js";
import { runCommandLine } from "./program.js";
import { processTerminal } from "./terminal.js";

// A command does its work even if nobody reads its output. A reader may stop early, as `head` does; this is not an error, but
// others are, such as a full disk.
const terminal = processTerminal();
let isOutputLost = false;
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") return;
    if (stream === process.stdout && !isOutputLost) printError(outputLost(error), terminal.err);
    isOutputLost = true;
    process.exitCode = exitCodes.failed;
  });
}

function outputLost({ code = "OUTPUT_LOST", message }: NodeJS.ErrnoException) {
  const text = `the output could not be written: ${message}`;
  return commandError(exitCodes.failed, code, text, "It is incomplete. Write it to another place, or make room there.");
}

runCommandLine(process.argv.slice(2), terminal).then((exitCode) => {
  process.exitCode = isOutputLost ? exitCodes.failed : exitCode;
});
