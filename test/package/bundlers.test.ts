import { describe, expect } from "vitest";
import type { UserProject } from "./project.js";
import { mainWithChoice, quickStartOutput } from "./quick-start.js";
import { afterQuickStart, follow, newNode, oldNode, run, testSections } from "./setups.js";
import { toolFolder } from "./tools.js";

// The quick start, bundled. What is run is the bundle alone, without any node_modules.

/** `again` makes the bundle anew. */
function section(heading: string, again: string) {
  return {
    needs: [newNode, oldNode],
    async carryOut() {
      const project = await afterQuickStart();
      await follow(project, heading);
      await moveBundle(project);
      await runBundle(project, "new", "");
      // With all adapters that a URL may name, but without their drivers.
      await project.write({ "src/main.ts": mainWithChoice() });
      await run(project, again);
      await moveBundle(project);
      for (const node of ["new", "old"] as const) await runBundle(project, node, "memory:");
      // A driver is found where the bundle is, although it was nowhere when that was made.
      await run(
        project,
        `mkdir ../alone/node_modules && ln -s '${toolFolder("better-sqlite3")}' ../alone/node_modules`,
      );
      await runBundle(project, "new", "better-sqlite3");
    },
  };
}

async function moveBundle(project: UserProject): Promise<void> {
  const manifest = `echo '{"type":"module"}' > ../alone/package.json`;
  await run(project, `rm -rf ../alone && mkdir ../alone && mv out ../alone && ${manifest}`);
}

async function runBundle(project: UserProject, node: "new" | "old", store: string): Promise<void> {
  expect(await run(project, `cd ../alone && node out/main.*js ${store}`, node)).toBe(quickStartOutput);
}

describe("what docs/setups.md says holds for", () => {
  const esbuild =
    "esbuild src/main.ts --bundle --platform=node --format=esm --outfile=out/main.mjs --log-level=warning";
  testSections("bundlers", {
    esbuild: section("esbuild", `${esbuild} --external:cassandra-driver`),
    webpack: section("webpack", "tsc && webpack --mode none"),
    Vite: section("Vite", "vite build --logLevel warn"),
    Rollup: section("Rollup", "tsc && rollup --config rollup.config.mjs --silent"),
  });
});
