import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createUserProject, type UserProject } from "./project.js";
import { quickStart } from "./quick-start.js";
import { matches, type Step, takeInstalls } from "./readme.js";

// README.md's quick start, step by step as it is written, in a project of its own.

describe("the quick start", () => {
  let project: UserProject;
  let failed: string | undefined;

  beforeAll(async () => {
    project = await createUserProject();
  });

  afterAll(() => project.remove());

  test.each(quickStart.map((step) => [titleOf(step), step] as const))("%s", async (title, step) => {
    if (failed !== undefined) throw new Error(`not tried, since this failed: ${failed}`);
    failed = title;
    if (step.kind === "file") await project.write({ [step.path]: step.text });
    else await run(project, step.commands, step.expected);
    failed = undefined;
  });
});

function titleOf(step: Step): string {
  return step.kind === "file" ? `write ${step.path}` : step.commands.replaceAll("\n", "; ");
}

/** Nothing is fetched: what the page installs comes from this repository. */
async function run(project: UserProject, commands: string, expected: string | undefined): Promise<void> {
  const { names, rest } = takeInstalls(commands);
  await project.install(...names);
  const { code, output } = await project.run(rest);
  expect(code, output).toBe(0);
  if (expected !== undefined && !matches(output, expected)) expect(output).toBe(expected);
}
