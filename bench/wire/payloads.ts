import { createHash } from "node:crypto";

/** Data as an application has it, before it is encoded in any format: integers are numbers, times are milliseconds. */
export interface Payload {
  readonly taskList: string;
  readonly id: string;
  readonly createdMs: number;
  readonly headers: Record<string, string>;
  readonly data: Record<string, unknown>;
}

export type Size = "tiny" | "medium" | "large";

/** The n-th payload of a size. All have different texts, except those that are the same in practice. */
export function makePayload(size: Size, n: number): Payload {
  const headers =
    size === "tiny" ? {} : { traceparent: `00-${hex(n, 32)}-${hex(n + 1, 16)}-01`, tenant: `acme-${n % 9}` };
  const data = { tiny, medium, large }[size](n);
  return {
    taskList: `${size}-tasks`,
    id: uuid(n),
    createdMs: START + n * 37,
    headers: flatten(headers),
    data: flatten(data),
  };
}

const START = Date.UTC(2026, 5, 17, 12);

function tiny(n: number): Record<string, unknown> {
  return {
    sourceHost: `dl-${n % 40}.example.com`,
    path: `2026/06/${10 + (n % 20)}/report-${10_000 + n * 7}.parquet`,
    sizeBytes: 120_000 + n * 7919,
    priority: n % 5,
    overwrite: n % 3 === 0,
  };
}

function medium(n: number): Record<string, unknown> {
  return {
    bucket: `media-eu-west-${1 + (n % 3)}`,
    key: `originals/2026/06/${10 + (n % 20)}/${hex(n + 2, 16)}.mp4`,
    title: `Holiday in Zürich, part ${n}`,
    sizeBytes: 90_000_000 + n * 7919,
    checksum: bytes(n, 32),
    width: 1920 + (n % 5) * 480,
    height: 1080 + (n % 5) * 270,
    frameRate: [23.976, 25, 29.97][n % 3],
    bitRate: 8_000_000 + n,
    codec: 1 + (n % 2),
    durationMs: 600_000 + n * 1001,
    hdr: n % 2 === 0,
    audioOffsetMs: -(n % 50),
    uploadedAt: START - n * 1009,
    owner: { id: uuid(n + 3), email: `user${1000 + n}@example.com`, plan: n % 4, verified: n % 5 !== 0 },
    tags: ["holiday", "user-upload", `lang-${n % 9}`],
    labels: { camera: "Pixel 9", region: `eu-${n % 4}`, team: "video" },
    renditions: [480, 720, 1080].map((height) => ({
      name: `${height}p`,
      width: Math.round((height * 16) / 9),
      height,
      bitRate: height * 2500 + n,
      codec: 1 + (n % 2),
    })),
    folder: `transcoded/${hex(n + 2, 16)}`,
    keyFrames: Array.from({ length: 12 }, (_, i) => i * 48 + (n % 7)),
  };
}

function large(n: number): Record<string, unknown> {
  return {
    catalogue: `spring-${n}`,
    exportedAt: START - n * 1009,
    items: Array.from({ length: 50 }, (_, i) => ({
      sku: `SKU-${hex(n * 50 + i, 10)}`,
      name: `Chair no. ${n * 50 + i}, oak`,
      description:
        `A chair of oak, oiled, ${40 + (i % 9)} cm wide; it comes in parts and is put together in minutes. `.repeat(2),
      priceCents: 4900 + i * 100,
      stock: i * 3,
      rating: 3 + (i % 20) / 10,
      categories: ["furniture", "chairs", `series-${i % 6}`],
      attributes: { colour: ["oak", "walnut", "ash"][i % 3], weight: `${4 + (i % 5)} kg`, supplier: `acme-${i % 7}` },
    })),
    totals: Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`store-${i}`, 1000 + n * i])),
    weights: Array.from({ length: 100 }, (_, i) => 1 / (i + 1 + n)),
    thumbnail: bytes(n, 1500),
  };
}

function uuid(n: number): string {
  const digits = hex(n + 77, 32);
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-7${digits.slice(13, 16)}-a${digits.slice(17, 20)}-${digits.slice(20)}`;
}

function hex(n: number, length: number): string {
  return createHash("sha256").update(`hex ${n}`).digest("hex").slice(0, length);
}

function bytes(n: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + n * 7) & 0xff);
}

/** Flattens concatenated strings, which the engine otherwise does at the first read: the first contender would pay for it. */
function flatten<T>(value: T): T {
  if (typeof value === "string") return Buffer.from(value).toString() as T;
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map(flatten) as T;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, flatten(each)])) as T;
}
