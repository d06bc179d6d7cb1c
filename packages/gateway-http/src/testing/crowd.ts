import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

// A crowd of connections needs as many file descriptors as the server does: it lives in a process of its own.

const PROGRAM = `
const { connect } = require('node:net');
const [port, count] = process.argv.slice(1).map(Number);
let opened = 0, open = 0, ended = 0, failed = 0;
const tell = () => console.log(JSON.stringify({ opened, open, ended, failed }));
for (let i = 0; i < count; i++) {
  const socket = connect(port, '127.0.0.1');
  socket.on('connect', () => { opened++; open++; socket.write('POST /v1/authorize HTTP/1.1\\r\\nhost: x\\r\\n'); });
  socket.on('error', () => { failed++; });
  socket.on('data', () => undefined);
  socket.on('close', () => { ended++; if (open > 0) open--; });
}
setInterval(tell, 100);
`;

interface Count {
  readonly opened: number;
  readonly open: number;
  readonly ended: number;
  readonly failed: number;
}

export class Crowd {
  count: Count = { opened: 0, open: 0, ended: 0, failed: 0 };
  readonly #child: ChildProcess;

  /** That many connections, each with half a request on it. */
  constructor(port: number, connections: number) {
    const stdio = ['ignore', 'pipe', 'inherit'] as const;
    this.#child = spawn(process.execPath, ['-e', PROGRAM, `${port}`, `${connections}`], {
      stdio: [...stdio],
    });
    if (this.#child.stdout === null) throw new Error('expected the output of the crowd to be piped');
    createInterface(this.#child.stdout).on('line', (line) => {
      this.count = JSON.parse(line) as Count;
    });
  }

  async leave(): Promise<void> {
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await gone;
  }
}

/** Why a crowd of this size cannot be had here; undefined: it can. */
export function noRoomFor(connections: number): string | undefined {
  const limit = execFileSync('/bin/sh', ['-c', 'ulimit -n'], { encoding: 'utf8' }).trim();
  const enough = limit === 'unlimited' || Number(limit) >= connections + 200;
  return enough ? undefined : `needs ${connections + 200} file descriptors, \`ulimit -n\` is ${limit}`;
}
