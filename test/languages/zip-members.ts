import { readFile } from "node:fs/promises";

const END = 0x06054b50;
const MEMBER = 0x02014b50;

/** The names of the files in a zip file, such as a wheel or a jar, by its directory. */
export async function zipMembers(path: string): Promise<string[]> {
  const bytes = await readFile(path);
  const end = bytes.lastIndexOf(littleEndian(END));
  if (end < 0) throw new Error(`${path} is no zip file`);
  const names: string[] = [];
  let at = bytes.readUInt32LE(end + 16);
  for (let left = bytes.readUInt16LE(end + 10); left > 0; left--) {
    if (bytes.readUInt32LE(at) !== MEMBER) throw new Error(`${path} is damaged`);
    const [name = 0, extra = 0, comment = 0] = [28, 30, 32].map((offset) => bytes.readUInt16LE(at + offset));
    names.push(bytes.toString("utf8", at + 46, at + 46 + name));
    at += 46 + name + extra + comment;
  }
  return names;
}

function littleEndian(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
