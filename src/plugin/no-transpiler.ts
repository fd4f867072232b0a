/**
 * Replaces `typescript` and `@typescript/vfs` in the bundle. The plugin framework contains a compiler, which makes
 * JavaScript for plugins that print only TypeScript. Ours prints every target itself; with the compiler, the bundle would
 * be 30 times as large.
 */
function transpile(): never {
  throw new Error("protoc-gen-taskledger prints every target itself");
}

export default {};
export {
  transpile as createDefaultMapFromNodeModules,
  transpile as createSystem,
  transpile as createVirtualCompilerHost,
};
