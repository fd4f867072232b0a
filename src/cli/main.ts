#!/usr/bin/env node
import module from "node:module";

// Before the command is loaded: what V8 compiles of it is kept for the next start, from Node 22.1 on.
(module as { enableCompileCache?(): unknown }).enableCompileCache?.();
await import("./run.js");
