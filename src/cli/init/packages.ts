import { packageVersion } from "../../core/package-version.js";
import type { Problem } from "../command-error.js";
import { installedVersion, isAtLeast, isOnPath, satisfies } from "./installed.js";
import type { PackageManager } from "./package-manager.js";

/** A package that is missing or has a wrong version, and what to install; or Node, which no package manager installs. */
export interface PackageProblem extends Problem {
  readonly install?: Dependency;
}

interface Dependency {
  /** As package managers take it: `name@version`. */
  readonly spec: string;
  readonly dev: boolean;
}

/** The minimum version of protobuf-es. Older plugins refuse map_imports; on Node 20, `@2` alone would install one of them. */
export const protobufEs = "2.17.0";

const own: Dependency = { spec: `taskledger@${packageVersion}`, dev: false };
const runtime: Dependency = { spec: `@bufbuild/protobuf@^${protobufEs}`, dev: false };
const plugin: Dependency = { spec: `@bufbuild/protoc-gen-es@^${protobufEs}`, dev: true };
const buf: Dependency = { spec: "@bufbuild/buf", dev: true };

/** A problem, before the package manager's command to fix it is added. */
type UnfixedProblem = Problem | (Omit<Problem, "advice"> & { readonly install: Dependency });

/** The problems of a project's packages with generating code and running it. `remoteEs` is the version of a remote plugin. */
export async function checkPackages(
  project: string,
  env: NodeJS.ProcessEnv,
  manager: PackageManager,
  remoteEs?: string,
): Promise<readonly PackageProblem[]> {
  const problems = await findProblems(project, env, remoteEs);
  return problems.map((each) =>
    "install" in each ? { ...each, advice: `Install it: ${installLine(manager, [each.install])}` } : each,
  );
}

async function findProblems(
  project: string,
  env: NodeJS.ProcessEnv,
  remoteEs: string | undefined,
): Promise<readonly UnfixedProblem[]> {
  const find = (name: string) => installedVersion(project, name);
  const runtimeVersion = await find("@bufbuild/protobuf");
  const pluginVersion = await find("@bufbuild/protoc-gen-es");
  const hasBuf = isOnPath("buf", env) || (await find("@bufbuild/buf")) !== undefined;
  return [
    ...checkNode(process.versions.node),
    ...checkOwn(await find("taskledger")),
    ...checkProtobufEs("@bufbuild/protobuf", runtimeVersion, runtime),
    ...(remoteEs === undefined
      ? checkProtobufEs("@bufbuild/protoc-gen-es", pluginVersion, plugin)
      : checkRemote(remoteEs)),
    ...checkPair(runtimeVersion, remoteEs ?? pluginVersion),
    ...(hasBuf ? [] : [missing("buf", buf)]),
  ];
}

export function checkNode(version: string): readonly UnfixedProblem[] {
  if (isAtLeast(version, "20.19.0")) return [];
  const text = `this is Node ${version}; taskledger needs 20.19 or later`;
  return [{ code: "OLD_NODE", text, advice: "Install a newer Node: https://nodejs.org" }];
}

function checkOwn(version: string | undefined): readonly UnfixedProblem[] {
  if (version === undefined) return [missing("taskledger", own)];
  // The copies of our .proto files would be compared with those of another version.
  return version === packageVersion
    ? []
    : [wrong(`this is taskledger ${packageVersion}, but the project has ${version}`, own)];
}

function checkProtobufEs(name: string, version: string | undefined, wanted: Dependency): readonly UnfixedProblem[] {
  if (version === undefined) return [missing(name, wanted)];
  return satisfies(version, protobufEs)
    ? []
    : [wrong(`${name} is ${version}; taskledger needs ^${protobufEs}`, wanted)];
}

function checkRemote(version: string): readonly UnfixedProblem[] {
  if (version === "latest" || satisfies(version, protobufEs)) return [];
  const text = `buf.gen.yaml runs buf.build/bufbuild/es at v${version}, which has no map_imports`;
  return [{ code: "WRONG_VERSION", text, advice: `Write: remote: buf.build/bufbuild/es:v${protobufEs}` }];
}

/** Generated code may need a runtime that is as new as the plugin that made it. */
function checkPair(runtimeVersion: string | undefined, pluginVersion: string | undefined): readonly UnfixedProblem[] {
  const isKnown = [runtimeVersion, pluginVersion].every((each) => each !== undefined && satisfies(each, protobufEs));
  if (!isKnown || isAtLeast(runtimeVersion as string, pluginVersion as string)) return [];
  const text = `@bufbuild/protobuf is ${runtimeVersion}, older than protoc-gen-es, which is ${pluginVersion}`;
  return [wrong(text, { spec: `@bufbuild/protobuf@^${pluginVersion}`, dev: false })];
}

function missing(name: string, install: Dependency): UnfixedProblem {
  return { code: "MISSING_PACKAGE", text: `${name} is not installed`, install };
}

function wrong(text: string, install: Dependency): UnfixedProblem {
  return { code: "WRONG_VERSION", text, install };
}

/** The commands that install the packages of these problems. */
export function installLines(problems: readonly PackageProblem[], manager: PackageManager): readonly string[] {
  const wanted = problems.flatMap(({ install }) => install ?? []);
  const groups = [wanted.filter(({ dev }) => !dev), wanted.filter(({ dev }) => dev)];
  return groups.filter((group) => group.length > 0).map((group) => installLine(manager, group));
}

function installLine({ install, dev }: PackageManager, dependencies: readonly Dependency[]): string {
  // In some shells, an unquoted ^ is special.
  const specs = dependencies.map(({ spec }) => (spec.includes("^") ? `"${spec}"` : spec));
  return [install, ...(dependencies[0]?.dev ? [dev] : []), ...specs].join(" ");
}
