/** How results are printed. */
export type Format = "table" | "json" | "jsonl";
