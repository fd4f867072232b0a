/** The tag of a field that has a length. */
function tagOf(field: number): number {
  return (field << 3) | 2;
}

interface BatchTags {
  readonly groups: number;
  readonly order: number;
  readonly shared: number;
  readonly ids: number;
  readonly uuids: number;
  readonly data: number;
  readonly createdAt: number;
  readonly savedAt: number;
  readonly rest: number;
}

/** As batch.proto numbers its fields. */
export const tags: BatchTags = {
  groups: tagOf(16),
  order: tagOf(17),
  shared: tagOf(1),
  ids: tagOf(2),
  uuids: tagOf(3),
  data: tagOf(4),
  createdAt: tagOf(5),
  savedAt: tagOf(6),
  rest: tagOf(7),
};
