// npm run vectors: writes manifest.json anew.
import { writeFileSync } from "node:fs";
import { makeManifest } from "./make-manifest.js";

const path = new URL("manifest.json", import.meta.url);
writeFileSync(path, `${JSON.stringify(makeManifest(), null, 2)}\n`);
