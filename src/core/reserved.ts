/**
 * The members of every task. A data field with one of these names gets the suffix `$` on the generated class, as
 * protobuf-es does it for its own names. The list is frozen: a new member would break classes that were generated
 * before it.
 */
export const reservedTaskMembers = [
  "taskList",
  "id",
  "data",
  "type",
  "envelope",
  "save",
  "complete",
  "execute",
  "toBinary",
  "asHash",
  "toJSON",
  "then",
  "constructor",
] as const;

/**
 * Members that every object has. They get the suffix, too: TypeScript would have us write `override` before them.
 * (protobuf-es itself puts it behind `toString` and `valueOf`.)
 */
export const objectMembers = ["hasOwnProperty", "isPrototypeOf", "propertyIsEnumerable", "toLocaleString"] as const;

export type ReservedTaskMember = (typeof reservedTaskMembers)[number];
