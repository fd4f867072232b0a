/** What a new project's first .proto file could be. */
export function exampleProto(folder: string): { readonly path: string; readonly text: string } {
  return {
    path: `${folder === "." ? "" : `${folder}/`}acme/v1/fetch.proto`,
    text: `  syntax = "proto3";
  package acme.v1;
  import "taskledger/v1/options.proto";

  message Fetch {
    option (taskledger.v1.task) = {};
    string url = 1;
  }
`,
  };
}
