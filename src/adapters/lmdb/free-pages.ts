import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import {
  DATA_FILE,
  FREE_ROOT_AT,
  LAST_PAGE_AT,
  NO_PAGE,
  PAGE_BYTES,
  PAGE_SIZE_AT,
  TRANSACTION_AT,
  view,
} from "./data-file.js";

/** Pages of the data file that hold nothing which is committed. */
export interface FreePages {
  /** The lengths of the runs of pages that the next transaction may write to, each of pages that lie side by side. */
  readonly runs: readonly number[];
  /** Pages that the last transaction has freed: the next but one may write to them. */
  readonly later: number;
  /** Pages behind the last one in use, which a transaction that failed has left behind: the file grows into them first. */
  readonly behind: number;
}

/**
 * Reads the list of free pages, which lmdb-js tells only the size of; undefined where it is not as it should be. To be
 * called while the store is being read, so that nobody writes to what is read here.
 */
export function readFreePages(folder: string): FreePages | undefined {
  if (process.arch === "arm" || process.arch === "ia32") return undefined; // the fields lie elsewhere there
  const file = openSync(join(folder, DATA_FILE), "r");
  try {
    return new FreeList(file).read();
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  } finally {
    closeSync(file);
  }
}

/** Where things are in a page, and in a node, of LMDB's data format 2. */
const FLAGS_AT = 18;
const NODES_BYTES_AT = 20;
const HEADER_BYTES = 24;
const NODE_HEADER_BYTES = 8;

const BRANCH = 1;
const LEAF = 2;
/** Of a node: its value has pages of its own. */
const BIG = 1;

class FreeList {
  readonly #file: number;
  readonly #pages: number;
  /** Of all transactions but the last, by the first page of each: their lengths. */
  readonly #lengths = new Map<number, number>();
  #later = 0;
  #last = 0n;

  constructor(file: number) {
    this.#file = file;
    this.#pages = Math.floor(fstatSync(file).size / PAGE_BYTES);
  }

  /** Throws RangeError where it is not as it should be. */
  read(): FreePages {
    const metas = [0, 1].map((page) => view(this.#read(page)));
    const [first, second] = metas as [View, View];
    if (first.uint32(PAGE_SIZE_AT) !== PAGE_BYTES) throw new RangeError("another program chose the pages' size");
    const meta = second.uint64(TRANSACTION_AT) > first.uint64(TRANSACTION_AT) ? second : first;
    this.#last = meta.uint64(TRANSACTION_AT);
    const root = meta.uint64(FREE_ROOT_AT);
    if (root !== NO_PAGE) this.#readTree(Number(root), 0);
    const behind = Math.max(this.#pages - 1 - Number(meta.uint64(LAST_PAGE_AT)), 0);
    return { runs: joined(this.#lengths), later: this.#later, behind };
  }

  #readTree(page: number, depth: number): void {
    if (depth > 20) throw new RangeError("the tree is too deep");
    const bytes = this.#read(page);
    const data = view(bytes);
    const kind = data.uint16(FLAGS_AT) & (BRANCH | LEAF);
    if (kind !== BRANCH && kind !== LEAF) throw new RangeError("the page is not of a tree");
    for (let i = 0; i < data.uint16(NODES_BYTES_AT) / 2; i++) {
      const node = HEADER_BYTES + data.uint16(HEADER_BYTES + 2 * i);
      if (kind === BRANCH) this.#readTree(data.uint32(node) + data.uint16(node + 4) * 2 ** 32, depth + 1);
      else this.#readRecord(bytes, node);
    }
  }

  /** What one transaction has freed, by its number. */
  #readRecord(page: Buffer, node: number): void {
    const data = view(page);
    const transaction = data.uint64(node + NODE_HEADER_BYTES);
    const value = node + NODE_HEADER_BYTES + data.uint16(node + 6);
    const length = data.uint32(node);
    const isBig = data.uint16(node + 4) & BIG;
    const bytes = isBig
      ? this.#read(Number(data.uint64(value)), HEADER_BYTES, length)
      : page.subarray(value, value + length);
    this.#note(transaction, bytes);
  }

  /** A number of words, then the words: a page, or how long a run is, negative, and then its first page; 0 is nothing. */
  #note(transaction: bigint, bytes: Buffer): void {
    const data = view(bytes);
    const words = Number(data.uint64(0));
    for (let i = 1; i <= words; i++) {
      const word = Number(BigInt.asIntN(64, data.uint64(8 * i)));
      if (word === 0) continue;
      const length = word < 0 ? -word : 1;
      const page = word < 0 ? Number(data.uint64(8 * ++i)) : word;
      if (transaction < this.#last) this.#lengths.set(page, length);
      else this.#later += length;
    }
  }

  #read(page: number, skipped = 0, length = PAGE_BYTES): Buffer {
    if (page >= this.#pages || length > this.#pages * PAGE_BYTES) throw new RangeError("the page is not in the file");
    const bytes = Buffer.alloc(length);
    readSync(this.#file, bytes, 0, length, page * PAGE_BYTES + skipped);
    return bytes;
  }
}

type View = ReturnType<typeof view>;

/** The lengths of runs, those made one that lie side by side, as LMDB does. */
function joined(lengths: ReadonlyMap<number, number>): number[] {
  const runs: number[] = [];
  let end = -1;
  for (const [page, length] of [...lengths].sort(([a], [b]) => a - b)) {
    if (page === end) runs.push((runs.pop() ?? 0) + length);
    else runs.push(length);
    end = page + length;
  }
  return runs;
}
