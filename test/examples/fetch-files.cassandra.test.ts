import { expect, it } from "vitest";
import { cassandra } from "../support/cassandra/coordinates.js";
import { figuresOf, runExample, withFiles } from "./run-example.js";

const { contactPoints, localDataCenter, credentials } = cassandra;
const user = credentials
  ? `${encodeURIComponent(credentials.username)}:${encodeURIComponent(credentials.password)}@`
  : "";
const store = `cassandra://${user}${contactPoints.join(",")}/example?datacenter=${localDataCenter}`;

it("npm start does the same on Cassandra: nothing differs but the URL", async () => {
  await withFiles(60, async (folder) => {
    const run = await runExample("fetch-files/main.ts", [folder, "--store", store]);
    expect(run).toMatchObject({ code: 0, stderr: "" });
    expect(figuresOf(run)).toMatchObject({ saved: 60, "open at the end": 0 });
  });
});
