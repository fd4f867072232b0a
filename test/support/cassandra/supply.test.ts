import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { parseContactPoints } from "./contact-points.js";
import { supplyCassandra } from "./supply.js";

const engine = vi.hoisted(() => ({ answer: (): Promise<unknown> => Promise.reject(new Error("no engine")) }));
vi.mock("testcontainers", () => ({ getContainerRuntimeClient: () => engine.answer() }));

afterEach(() => vi.unstubAllEnvs());

describe("CASSANDRA_CONTACT_POINTS", () => {
  test.each([
    ["127.0.0.1", ["127.0.0.1:9042"]],
    ["db1.example:19042", ["db1.example:19042"]],
    [" db1 , db2:9043,", ["db1:9042", "db2:9043"]],
    ["::1", ["[::1]:9042"]],
    ["[::1]", ["[::1]:9042"]],
    ["[2001:db8::7]:19042,[::1]", ["[2001:db8::7]:19042", "[::1]:9042"]],
    ["", []],
  ])("%j names %j", (text, expected) => {
    expect(parseContactPoints(text).map(({ contactPoint }) => contactPoint)).toEqual(expected);
  });

  test.each(["db1:", "db1:0", "db1:65536", "db1:port", "[db1]:9042", "[::1", "1:2:3", ":9042"])(
    "%j is refused",
    (text) => {
      expect(() => parseContactPoints(`db0,${text}`)).toThrow(`CASSANDRA_CONTACT_POINTS: "${text}" is not`);
    },
  );

  test("a Cassandra that it names and that does not answer is an error, and nothing else is tried", async () => {
    vi.stubEnv("CASSANDRA_CONTACT_POINTS", "127.0.0.1:1");
    await expect(supplyCassandra()).rejects.toThrow(
      "The Cassandra at 127.0.0.1:1 (CASSANDRA_CONTACT_POINTS) does not answer.",
    );
  });
});

describe("a machine with nothing to run Cassandra by", () => {
  beforeEach(() => {
    vi.stubEnv("CASSANDRA_CONTACT_POINTS", undefined);
    vi.stubEnv("JAVA_HOME", undefined);
    vi.stubEnv("PATH", "");
  });

  test("is told of all the ways there are", async () => {
    const message = await supplyCassandra().then(
      () => "supplied",
      (error: Error) => error.message,
    );
    expect(message).toContain("CASSANDRA_CONTACT_POINTS=127.0.0.1:9042 (CASSANDRA_CONTACT_POINTS is not set)");
    expect(message).toContain("starts cassandra:5.0 (no Docker engine answers)");
    expect(message).toContain("no `java` of version 17 was found");
    expect(message).toContain("apt-get install openjdk-17-jre-headless maven");
  });

  test("does not wait for a Docker engine that hangs", async () => {
    engine.answer = () => new Promise(() => {});
    await expect(supplyCassandra()).rejects.toThrow("no Docker engine answers");
  });
});
