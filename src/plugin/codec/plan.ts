import type { DescFile, DescMessage } from "@bufbuild/protobuf";
import { childrenOf, isSupportedMessage } from "./support.js";

/** What the codec modules contain. */
export interface CodecPlan {
  /** By the file whose module has them: the messages that are read and written there. */
  readonly modules: ReadonlyMap<DescFile, ReadonlySet<DescMessage>>;
  /** The task types that have a codec. */
  readonly tasks: ReadonlySet<DescMessage>;
}

/**
 * Puts each message that a task type reaches into the module of its own file. Those of files that are not generated in
 * this run go into the module of each file that needs them: whether somebody else generates a codec for them can't be
 * known here.
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

/** Whether the package has its codec already. */
export function isShared({ typeName }: DescMessage): boolean {
  return typeName === "google.protobuf.Timestamp";
}
