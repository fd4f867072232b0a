import { expect, test } from "vitest";
import { createProject, packages, taskledger } from "./project.js";

const managers = [
  ["package-lock.json", "npm", "npm install", "--save-dev", "npx"],
  ["pnpm-lock.yaml", "pnpm", "pnpm add", "--save-dev", "pnpm exec"],
  ["yarn.lock", "yarn", "yarn add", "--dev", "yarn"],
  ["bun.lock", "bun", "bun add", "--dev", "bunx --bun"],
  ["bun.lockb", "bun", "bun add", "--dev", "bunx --bun"],
] as const;

test.each(managers)("beside a %s, init advises %s", async (lockFile, _, install, dev, run) => {
  const root = await createProject({ [lockFile]: "", "packages/tasks/package.json": "{}" }, {});
  const project = `${root}/packages/tasks`;
  const { err } = await taskledger(project, ["init", "--check"]);
  expect(err).toContain(`  Write it: ${run} taskledger init\n`);
  expect(err).toContain(`  Install it: ${install} taskledger@${packages.taskledger}\n`);
  expect(err).toContain(`  Install it: ${install} ${dev} @bufbuild/buf\n`);
  const { out } = await taskledger(project, ["init"]);
  expect(out).toContain(`\n  ${install} ${dev} "@bufbuild/protoc-gen-es@^2.17.0" @bufbuild/buf\n`);
  expect(out).toContain(`\n  ${run} buf generate\n`);
});

test.each(managers)("without a lock file the package manager that runs it counts: %s %s", async (_, name, install) => {
  const project = await createProject({}, {});
  const { err } = await taskledger(project, ["init", "--check"], { npm_config_user_agent: `${name}/9.9.9 node/v24` });
  expect(err).toContain(`  Install it: ${install} taskledger@`);
});
