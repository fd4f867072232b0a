import type { DescFile, DescMessage } from "@bufbuild/protobuf";
import { childrenOf, isSupportedMessage } from "./support.js";

/** What the codec modules contain. */
export interface CodecPlan {
  /** The messages that a file's module reads and writes, by file. */
  readonly modules: ReadonlyMap<DescFile, ReadonlySet<DescMessage>>;
  /** The task types that have a codec. */
  readonly tasks: ReadonlySet<DescMessage>;
}

/**
 * Puts each message that a task type contains, at any depth, into the module of its own file. Messages of files that are not
 * generated in this run are put into the module of each file that needs them: another run may generate no codec for them.
 */
export function planCodecs(files: readonly DescFile[], tasks: Iterable<DescMessage>): CodecPlan {
  const modules = new Map(files.map((file) => [file, new Set<DescMessage>()]));
  const add = (message: DescMessage, user: DescFile) => {
    const home = modules.has(message.file) ? message.file : user;
    const messages = modules.get(home) as Set<DescMessage>;
    if (isShared(message) || messages.has(message)) return;
    messages.add(message);
    for (const child of childrenOf(message)) add(child, home);
  };
  const supported = new Set([...tasks].filter(isSupportedMessage));
  for (const message of supported) add(message, message.file);
  return { modules, tasks: supported };
}

/** Whether the package itself has the message's codec. */
export function isShared({ typeName }: DescMessage): boolean {
  return typeName === "google.protobuf.Timestamp";
}
