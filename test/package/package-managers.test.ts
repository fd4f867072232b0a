import { describe } from "vitest";
import { beforeInstalling, follow, newNode, testSections } from "./setups.js";
import { bun, type Program, pnpm, yarn } from "./tools.js";

const section = (heading: string, program: Program) => ({
  needs: [program, newNode],
  carryOut: async () => follow(await beforeInstalling(), heading),
});

describe("what docs/setups.md says holds for", () => {
  testSections("packageManagers", {
    pnpm: section("pnpm", pnpm),
    Yarn: section("Yarn", yarn),
    Bun: section("Bun", bun),
  });
});
