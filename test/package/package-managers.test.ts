import { describe, expect } from "vitest";
import { beforeInstalling, follow, newNode, run, testSections } from "./setups.js";
import { bun, type Program, pnpm, yarn } from "./tools.js";

const section = (heading: string, program: Program, runner: string) => ({
  needs: [program, newNode],
  async carryOut() {
    const project = await beforeInstalling();
    await follow(project, heading);
    expect(await run(project, `${runner} taskledger init --check`)).toContain("are in order");
  },
});

describe("what docs/setups.md says holds for", () => {
  testSections("packageManagers", {
    pnpm: section("pnpm", pnpm, "pnpm exec"),
    Yarn: section("Yarn", yarn, "yarn"),
    Bun: section("Bun", bun, "bunx --bun"),
  });
});
