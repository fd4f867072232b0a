/** Tags of fields that have a length, as batch.proto numbers them. */
export const tags = {
  groups: (16 << 3) | 2,
  order: (17 << 3) | 2,
  shared: (1 << 3) | 2,
  ids: (2 << 3) | 2,
  uuids: (3 << 3) | 2,
  data: (4 << 3) | 2,
  createdAt: (5 << 3) | 2,
  savedAt: (6 << 3) | 2,
  rest: (7 << 3) | 2,
} as const;
