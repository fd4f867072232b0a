export type { Access, AccessLevel, BoardAction } from "./access.js";
export type { Board, BoardOptions } from "./board.js";
export { createBoard } from "./board.js";
export type { BoardServer, ServeBoardOptions } from "./serve-board.js";
export { serveBoard } from "./serve-board.js";
