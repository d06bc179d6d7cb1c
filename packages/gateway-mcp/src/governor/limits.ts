/** 512 KiB of content, each character escaped, with room for what stands around it. */
export const MOST_MESSAGE_BYTES = 4 * 1024 * 1024;
/** Messages of all clients that are not yet answered. */
export const MOST_BODY_BYTES = 64 * 1024 * 1024;
export const BODY_TIMEOUT_MS = 10_000;
