import { join } from "node:path";
import { expect, test } from "vitest";
import { missingTools, repository } from "./languages.js";
import { runToEnd } from "./prepare.js";

const python = { command: "python3", args: ["--version"], version: "3.10" };
const missing = await missingTools({ needs: [python] });

test.skipIf(missing !== undefined)(
  "a decoder that was written from docs/protocol.md alone passes the vectors",
  async () => {
    const command = {
      command: "python3",
      args: ["check_vectors.py"],
      env: { PYTHONDONTWRITEBYTECODE: "1" },
      cwd: join(repository, "languages/blind"),
    };
    expect(await runToEnd(command)).toMatch(/^\s*\d{3} passed, 0 failed\s*$/);
  },
);
