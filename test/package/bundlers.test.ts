import { describe, expect } from "vitest";
import type { UserProject } from "./project.js";
import { mainWithUrl, quickStartOutput } from "./quick-start.js";
import { afterQuickStart, follow, newNode, oldNode, run, testSections } from "./setups.js";

// The quick start, bundled. What is run is the bundle alone, without any node_modules.

/** `again` makes the bundle anew. */
function section(heading: string, again: string) {
  return {
    needs: [newNode, oldNode],
    async carryOut() {
      const project = await afterQuickStart();
      await follow(project, heading);
      await runAlone(project);
      // With all adapters that a URL may name, but without their drivers.
      await project.write({ "src/main.ts": mainWithUrl("memory:") });
      await run(project, again);
      await runAlone(project);
    },
  };
}

async function runAlone(project: UserProject): Promise<void> {
  await run(
    project,
    `rm -rf ../alone && mkdir ../alone && mv out ../alone && echo '{"type":"module"}' > ../alone/package.json`,
  );
  for (const node of ["old", "new"] as const)
    expect(await run(project, "cd ../alone && node out/main.*js", node)).toBe(quickStartOutput);
}

describe("what docs/setups.md says holds for", () => {
  const esbuild =
    "esbuild src/main.ts --bundle --platform=node --format=esm --outfile=out/main.mjs --log-level=warning";
  testSections("bundlers", {
    esbuild: section("esbuild", `${esbuild} --external:lmdb --external:cassandra-driver`),
    webpack: section("webpack", "tsc && webpack"),
    Vite: section("Vite", "vite build --logLevel warn"),
    Rollup: section("Rollup", "tsc && rollup --config rollup.config.mjs --silent"),
  });
});
