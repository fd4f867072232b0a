import type { ConfigProblem } from "./config-problem.js";
import { clean, inputFolder, isWithin, type Layout } from "./layout.js";
import { addItem, addMember, scalar } from "./yaml-edit.js";
import { items, member } from "./yaml-file.js";

interface Input {
  readonly directory: string;
  readonly exclude_paths?: readonly string[];
}

/** buf's inputs, for which code is generated: the folders of the project's own .proto files. */
function ownInputs(layout: Layout): readonly Input[] {
  return layout.own.map((directory) =>
    isWithin(layout.vendored, directory) ? { directory, exclude_paths: [vendoredFiles(layout)] } : { directory },
  );
}

/** The folder inside our module: `exclude_paths` can't name a module itself. */
function vendoredFiles({ vendored }: Layout): string {
  return `${vendored}/taskledger`;
}

export function inputsText(layout: Layout): string {
  const lines = ownInputs(layout).flatMap(({ directory, exclude_paths }) => [
    `  - directory: ${scalar(directory)}`,
    ...(exclude_paths ? ["    exclude_paths:", ...exclude_paths.map((path) => `      - ${path}`)] : []),
  ]);
  return ["inputs:", ...lines].join("\n");
}

/** What is wrong with the inputs of a buf.gen.yaml. */
export function checkInputs(bufGenYaml: unknown, layout: Layout, project: string): readonly ConfigProblem[] {
  const declared = items(member(bufGenYaml, "inputs"));
  if (declared.length === 0) return [noInputs(layout)];
  return declared.flatMap((input, index): readonly ConfigProblem[] => {
    const folder = inputFolder(input, project);
    if (folder === undefined) return [];
    return isKnown(folder, layout) ? checkWidth(input, index, folder, layout) : [unknownInput(folder, layout)];
  });
}

const wide = {
  code: "WIDE_INPUTS",
  text: "buf.gen.yaml generates code for taskledger's own .proto files, which the package has already",
};

/** Without inputs, buf generates code for all modules. */
function noInputs(layout: Layout): ConfigProblem {
  return {
    ...wide,
    advice: `Add:\n\n${inputsText(layout)}`,
    add: (document) => addMember(document, [], "inputs", ownInputs(layout)),
  };
}

function checkWidth(input: unknown, index: number, folder: string, layout: Layout): readonly ConfigProblem[] {
  const { own, vendored } = layout;
  if (!isWithin(vendored, folder) || member(input, "paths") !== undefined) return [];
  const excluded = items(member(input, "exclude_paths")).map(clean);
  if (excluded.some((path) => path !== vendored && isWithin(path, vendored))) return [];
  // If our files were excluded, there would be nothing left.
  if (!own.some((each) => isWithin(each, folder))) return [{ ...wide, advice: `Remove the input ${folder}.` }];
  const advice = `Add to the input ${folder}:\n\n    exclude_paths:\n      - ${vendoredFiles(layout)}`;
  const add: ConfigProblem["add"] = (document) =>
    addItem(document, ["inputs", index, "exclude_paths"], vendoredFiles(layout));
  return [{ ...wide, advice, add }];
}

/** Whether buf accepts a folder: a module, or one that contains modules. Folders outside the project are not checked. */
function isKnown(folder: string, { own, vendored }: Layout): boolean {
  return /^\.\.(?:\/|$)/.test(folder) || [...own, vendored].some((path) => isWithin(path, folder));
}

function unknownInput(folder: string, layout: Layout): ConfigProblem {
  const around = layout.own.find((path) => isWithin(folder, path));
  const advice =
    around === undefined
      ? `Add it to the modules of buf.yaml, or write:\n\n${inputsText(layout)}`
      : `Write:\n\n  - directory: ${scalar(around)}\n    paths:\n      - ${scalar(folder)}`;
  return { code: "UNKNOWN_INPUT", text: `buf.gen.yaml: the input ${folder} is not a module of buf.yaml`, advice };
}
