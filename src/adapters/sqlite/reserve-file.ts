/** More than the write-ahead log takes before it is copied into the database. */
export const RESERVE_BYTES: number = 6 * 1024 * 1024;

/** The path of the file that a database's DiskReserve makes. */
export function reservePath(databasePath: string): string {
  return `${databasePath}-reserve`;
}
