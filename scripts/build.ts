import { join } from "node:path";
import { buildPackage } from "./build-package.js";

await buildPackage(join(import.meta.dirname, "../dist"));
