import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bufPath } from "../plugin/tools.js";
import { defineTask } from "../runtime/kinds.js";
import { key, lostInJson, readableInJson, sealed } from "../runtime/lost-in-json.js";
import { DriverActor } from "./driver.js";
import { repository } from "./languages.js";
import { prepareLanguages } from "./prepare.js";

// What JSON has no room for, or gives another meaning, travels sealed from the other languages, too.

const protos = join(repository, "test/runtime/protos");
const descriptors = execFileSync(bufPath, [
  "build",
  protos,
  "--path",
  join(protos, "lost.proto"),
  "-o",
  "-#format=binpb",
]);

const prepared = await prepareLanguages();

describe.each(prepared)("in $language.name", ({ language, missing }) => {
  if (missing !== undefined) return test.skip(`left out: ${missing}`);
  let actor: DriverActor;
  beforeAll(() => {
    actor = new DriverActor(language, undefined);
  });
  afterAll(() => actor.close());

  /** The type that a task's JSON names, once the task has come back whole, there and here. */
  async function typeInJson(name: string, data: object): Promise<string> {
    const taskClass = defineTask(`kinds.names.${name}`);
    const envelope = Buffer.from(new taskClass({ ...key, data }).toBinary()).toString("base64");
    const command = { op: "passOn", envelope, type: taskClass.type, descriptors: descriptors.toString("base64") };
    const passed = await actor.ask<{ envelope: string; hash: string; read: string }>(command);
    const hash = JSON.parse(passed.hash);
    const here = Buffer.from(taskClass.fromHash(hash).toBinary()).toString("base64");
    expect([passed.envelope, passed.read, here]).toEqual([envelope, envelope, envelope]);
    return hash.data["@type"];
  }

  test.each(lostInJson)("is sealed: %s", async (_, name, data) => {
    expect(await typeInJson(name, data)).toBe(sealed);
  });

  test.each(readableInJson)("comes back: %s", async (_, name, data) => {
    await typeInJson(name, data);
  });
});
