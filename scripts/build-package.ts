import { execFileSync } from "node:child_process";
import { chmod, copyFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";

const repository = join(import.meta.dirname, "..");

/** The packages that the plugin's bundle contains, whose licences are in src/plugin/third-party-licenses.txt. */
const bundled = ["@bufbuild/protobuf", "@bufbuild/protoplugin"];

/** Builds all that package.json refers to as `dist`, afresh. */
export async function buildPackage(dist: string): Promise<void> {
  await rm(dist, { recursive: true, force: true });
  compile(dist);
  await bundlePlugin(join(dist, "protoc-gen-taskledger.js"));
  await copyFile(
    join(repository, "src/plugin/third-party-licenses.txt"),
    join(dist, "protoc-gen-taskledger.LICENSES.txt"),
  );
  // npm makes the programs of an installed package executable; this is for those who run them from here.
  await chmod(join(dist, "src/cli/main.js"), 0o755);
}

function compile(dist: string): void {
  const compiler = join(repository, "node_modules/typescript/bin/tsc");
  const project = join(repository, "src/tsconfig.build.json");
  execFileSync(process.execPath, [compiler, "-p", project, "--outDir", dist], { stdio: "inherit" });
}

/** Bundles the plugin into one executable file, so that it starts fast and its users install nothing for it. */
export async function bundlePlugin(outfile: string): Promise<void> {
  const noTranspiler = "./src/plugin/no-transpiler.ts";
  const { metafile } = await build({
    absWorkingDir: repository,
    entryPoints: ["src/plugin/bin.ts"],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    alias: { typescript: noTranspiler, "@typescript/vfs": noTranspiler },
    banner: {
      js: `#!/usr/bin/env node\n// Contains ${bundled.join(" and ")}; their licences: protoc-gen-taskledger.LICENSES.txt`,
    },
    metafile: true,
  });
  checkBundled(Object.keys(metafile.inputs));
  await chmod(outfile, 0o755);
}

/** Fails where the bundle has taken in a package whose licence nobody has looked at. */
function checkBundled(inputs: readonly string[]): void {
  const packages = inputs.map((input) => /node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules\/)/.exec(input)?.[1]);
  const others = new Set(packages.filter((name) => name !== undefined && !bundled.includes(name)));
  if (others.size > 0) {
    throw new Error(
      `the plugin's bundle contains ${[...others].join(", ")}: add the licence to src/plugin/third-party-licenses.txt` +
        ` and the name to scripts/build-package.ts`,
    );
  }
}
