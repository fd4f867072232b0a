import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** What is in use in this process, in bytes, garbage collected. */
export function memoryInUse(): number {
  collectGarbage();
  collectGarbage(); // the memory of an ArrayBuffer is free after the next one
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
