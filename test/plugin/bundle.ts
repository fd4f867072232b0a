import { build } from "esbuild";
import { repository } from "./tools.js";

/** Bundles the plugin into one file, as the build of the package does. */
export async function bundlePlugin(outfile: string): Promise<void> {
  const noTranspiler = "./src/plugin/no-transpiler.ts";
  await build({
    absWorkingDir: repository,
    entryPoints: ["src/plugin/bin.ts"],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    banner: { js: "#!/usr/bin/env node" },
    alias: { typescript: noTranspiler, "@typescript/vfs": noTranspiler },
  });
}
