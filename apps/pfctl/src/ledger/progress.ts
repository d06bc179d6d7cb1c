import type { Terminal } from '../terminal.ts';

const FIRST_AFTER_MS = 2_000;
const EVERY_MS = 200;
const CLEAR_LINE = '\r\u001b[K';

/** Says how far a long reading has come, on standard error and only where somebody watches. */
export function entriesProgress(terminal: Terminal, total: number) {
  const start = terminal.now();
  let next = terminal.watched ? start + FIRST_AFTER_MS : Number.POSITIVE_INFINITY;
  let shown = false;
  return {
    at(entries: number): void {
      const now = terminal.now();
      if (now < next) return;
      next = now + EVERY_MS;
      shown = true;
      const percent = Math.floor((100 * entries) / Math.max(total, 1));
      const seconds = Math.floor((now - start) / 1_000);
      terminal.note(`${CLEAR_LINE}${entries} of ${total} entries, ${percent} %, ${seconds} s`);
    },
    done(): void {
      if (shown) terminal.note(CLEAR_LINE);
    },
  };
}
