import { randomUUID } from "node:crypto";
import type { Command } from "commander";
import type { Finding } from "../../adapter/index.js";
import { CompositeTask, DataInterface } from "../../index.js";
import { formatAge } from "../../inspection/age.js";
import { viewLists } from "../../inspection/list-view.js";
import { CommandError, exitCodes } from "../command-error.js";
import { type GlobalOptions, optionsOf } from "../options/global-options.js";
import { examples } from "../output/help.js";
import { RecordPrinter } from "../output/records.js";
import type { Column } from "../output/table.js";
import { openSession, type Session } from "../session.js";
import { fromTaskError, isTaskError, seeDoctor } from "../task-error.js";
import type { Terminal } from "../terminal.js";

interface DoctorOptions extends GlobalOptions {
  readonly write?: boolean;
}

export function define(command: Command, terminal: Terminal): void {
  command
    .description(
      "Checks a store: whether it can be reached, its schema, clocks, disks or replicas, and its oldest tasks. Exits with 3 if" +
        " it finds a problem.",
    )
    .option("--write", "also save a task, claim and complete it, in a list of its own")
    .addHelpText("after", examples("taskledger doctor", "taskledger doctor --write --json"))
    .action((_, self: Command) => doctor(terminal, optionsOf<DoctorOptions>(self)));
}

async function doctor(terminal: Terminal, options: DoctorOptions): Promise<void> {
  const { output: format, headers } = options;
  const printer = new RecordPrinter<Finding>(terminal.out, { format, headers, columns });
  const findings = await look(terminal, options);
  for (const finding of findings) await printer.add(finding);
  printer.end();
  const bad = findings.filter(({ status }) => status !== "ok");
  const problems = bad.filter(({ status }) => status === "problem");
  if (format === "table" && bad.length > problems.length) writeAdvice(terminal, bad);
  if (problems.length === 0) return;
  throw new CommandError(
    exitCodes.checkFailed,
    problems.map(({ check, text, advice }) => ({ code: check.toUpperCase(), text, advice: advice ?? "" })),
  );
}

const styles = { ok: "green", warning: "yellow", problem: "red" } as const;

const columns: readonly Column<Finding>[] = [
  { name: "CHECK", value: ({ check }) => check },
  { name: "STATUS", value: ({ status }) => status, style: ({ status }) => styles[status] },
  { name: "FINDING", value: ({ text }) => text },
];

/** The advice of warnings; problems are printed as errors. */
function writeAdvice({ out }: Terminal, findings: readonly Finding[]): void {
  for (const { check, status, advice } of findings)
    if (status === "warning" && advice) out.write(`\n${out.style("yellow", `${check}:`)} ${advice}\n`);
}

async function look(terminal: Terminal, options: DoctorOptions): Promise<Finding[]> {
  const start = performance.now();
  let session: Session | undefined;
  try {
    session = await openSession(terminal, options, { access: options.write ? "write" : "read", decodes: false });
    const opened = found("connect", `open after ${Math.round(performance.now() - start)} ms; its schema is in order`);
    const { tasks, signal, patience } = session;
    const own = (await tasks.adapter.diagnose?.({ signal })) ?? [];
    patience.renew();
    return [opened, ...own, await checkLists(session), ...(options.write ? [await tryWriting(session)] : [])];
  } catch (error) {
    if (!isTaskError(error) || terminal.interrupted().aborted) throw error;
    const [problem] = fromTaskError(error).problems;
    const check = session ? "store" : "connect";
    return [{ check, status: "problem", text: problem?.text ?? "", advice: problem?.advice.replace(seeDoctor, ".") }];
  } finally {
    await session?.[Symbol.asyncDispose]();
  }
}

async function checkLists({ tasks, signal, patience }: Session): Promise<Finding> {
  if (tasks.adapter.lists === undefined) return found("lists", "this store can't name its lists");
  const lists = await viewLists(tasks.adapter, { max: 1, claims: false, signal });
  patience.renew();
  const [oldest] = lists.toSorted((a, b) => ((a.oldest ?? "") < (b.oldest ?? "") ? -1 : 1));
  if (oldest === undefined) return found("lists", "no list has open tasks");
  const age = formatAge(oldest.oldest);
  return found("lists", `${lists.length} have open tasks; the oldest is open for ${age}, in ${oldest.taskList}`);
}

const LIST = "taskledger doctor";

/** Saves, claims, finds and completes a task. It is completed even if another step fails. */
async function tryWriting({ tasks: { adapter }, signal, patience }: Session): Promise<Finding> {
  const tasks = new DataInterface({ types: [CompositeTask], adapter }); // which is closed by its session
  const start = performance.now();
  const task = CompositeTask.build({ taskList: LIST, id: randomUUID(), childTaskList: LIST });
  await tasks.save(task, { signal });
  try {
    patience.renew();
    const claim = adapter.claims && (await tasks.claim(task, { signal }));
    if (!(await tasks.find(LIST, task.id, { signal })))
      return {
        check: "write",
        status: "problem",
        text: "a task that was saved was not found",
        advice: "Please report it.",
      };
    await claim?.release({ signal });
  } finally {
    await tasks.complete(task, { signal });
  }
  const milliseconds = Math.round(performance.now() - start);
  return found("write", `a task was saved, claimed, found and completed in ${milliseconds} ms`);
}

function found(check: string, text: string): Finding {
  return { check, status: "ok", text };
}
