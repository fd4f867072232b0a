import { runNodeJs } from "@bufbuild/protoplugin";
import { createPlugin } from "./plugin.js";

runNodeJs(createPlugin((text) => process.stderr.write(`${text}\n`)));
