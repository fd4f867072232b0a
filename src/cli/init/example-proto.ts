/** What a new project's first .proto file could be: that of the README. */
export function exampleProto(folder: string): { readonly path: string; readonly text: string } {
  return {
    path: `${folder === "." ? "" : `${folder}/`}acme/v1/fetch.proto`,
    text: `syntax = "proto3";

package acme.v1;

import "taskledger/v1/options.proto";

// Fetches one file.
message FetchFile {
  option (taskledger.v1.task) = {};

  // The host to fetch from.
  string external_host = 1;
  string filename = 2;
}
`,
  };
}
