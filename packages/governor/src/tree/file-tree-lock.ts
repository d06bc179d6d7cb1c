// The lock of a tree among the processes of one host: an abstract Unix socket named after the device and inode of the
// tree's root. The kernel lets one process bind it, frees it whenever that process ends, however it ends, and leaves no file
// behind. It is per network namespace: governors in containers that share a tree but no network need PostgreSQL's lock.
import { statSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { GovernorError } from '../errors.ts';
import type { TreeLock } from '../ports.ts';
import { systemCode } from './folder.ts';

/** The length of sun_path: Node 20 fills a shorter abstract name up with zeros and Node 22 does not. */
const ADDRESS_BYTES = 108;
/** Who waits is told by the holder's socket closing; this often it looks itself, should it miss that. */
const LOOK_AGAIN_MS = 250;
const FIRST_PAUSE_MS = 2;
/** What this process leaves to others that wait before its next caller tries. */
const COURTESY_MS = 5;

interface Held {
  release(): { readonly othersWait: boolean };
}

export function fileTreeLock(root: string, options: { readonly patienceMs: number }): TreeLock {
  const { dev, ino } = statSync(root, { bigint: true });
  const name = `\0provability-fabric/tree/${dev}/${ino}/`.padEnd(ADDRESS_BYTES, '-');
  // Callers of this process queue here, so that only one of them at a time asks for the socket.
  const queue = new Queue();
  let courtesy = Promise.resolve();
  return {
    async withLock(work) {
      const patience = new Patience(options.patienceMs);
      try {
        const leave = await queue.turn(patience);
        try {
          await courtesy;
          const held = await take(name, patience);
          try {
            // The kernel never takes the name away from a process that lives.
            return await work(async () => {});
          } finally {
            if (held.release().othersWait) courtesy = pause(COURTESY_MS);
          }
        } finally {
          leave();
        }
      } finally {
        patience.end();
      }
    },
  };
}

/** How long one caller waits, in the queue and for the socket together. */
class Patience {
  #over = false;
  readonly #ms: number;
  readonly #timer: NodeJS.Timeout;
  #onOver: (() => void) | undefined;

  constructor(ms: number) {
    this.#ms = ms;
    this.#timer = setTimeout(() => {
      this.#over = true;
      this.#onOver?.();
    }, ms);
  }

  /** At most one listener, the latest. */
  set onOver(listener: (() => void) | undefined) {
    this.#onOver = listener;
    if (this.#over) listener?.();
  }

  require(): void {
    if (this.#over) throw this.error();
  }

  error(): GovernorError {
    return new GovernorError(
      'TREE_BUSY',
      `expected the tree to be free within \`${this.#ms}\` ms, got another change under way; try again`,
    );
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}

class Queue {
  readonly #waiting: (() => void)[] = [];
  #busy = false;

  /** First come, first served. Resolves with how to leave. */
  turn(patience: Patience): Promise<() => void> {
    const leave = () => {
      const next = this.#waiting.shift();
      if (next === undefined) this.#busy = false;
      else next();
    };
    if (!this.#busy) {
      this.#busy = true;
      return Promise.resolve(leave);
    }
    return new Promise((resolve, reject) => {
      const enter = () => {
        patience.onOver = undefined;
        resolve(leave);
      };
      this.#waiting.push(enter);
      patience.onOver = () => {
        this.#waiting.splice(this.#waiting.indexOf(enter), 1);
        reject(patience.error());
      };
    });
  }
}

async function take(name: string, patience: Patience): Promise<Held> {
  for (let wait = FIRST_PAUSE_MS; ; wait = Math.min(2 * wait, LOOK_AGAIN_MS)) {
    const held = await bind(name);
    if (held !== undefined) return held;
    patience.require();
    await untilFreed(name, wait, patience);
    patience.require();
  }
}

/** undefined where another process has the name. */
function bind(name: string): Promise<Held | undefined> {
  return new Promise((resolve, reject) => {
    const waiting = new Set<Socket>();
    const server: Server = createServer((socket) => {
      waiting.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => waiting.delete(socket));
      socket.resume();
    });
    server.once('error', (error) =>
      systemCode(error) === 'EADDRINUSE' ? resolve(undefined) : reject(error),
    );
    server.listen(name, () =>
      resolve({
        release() {
          server.close();
          const othersWait = waiting.size > 0;
          for (const socket of waiting) socket.destroy();
          return { othersWait };
        },
      }),
    );
  });
}

/** Resolves when the holder lets go or dies, when it is time to look again, or when the patience is over. */
function untilFreed(name: string, wait: number, patience: Patience): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(name);
    let connected = false;
    const done = () => {
      clearTimeout(timer);
      patience.onOver = undefined;
      socket.destroy();
      resolve();
    };
    let timer = setTimeout(done, wait);
    patience.onOver = done;
    socket.on('connect', () => {
      connected = true;
      clearTimeout(timer);
      timer = setTimeout(done, LOOK_AGAIN_MS);
    });
    // A refused connection is no news: the timer says when to look again.
    socket.on('error', () => {});
    socket.on('close', () => connected && done());
    socket.resume();
  });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
