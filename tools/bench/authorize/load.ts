// The clients, in a process of their own: what they cost is not the server's.
import { connect, type Socket } from 'node:net';

export interface Order {
  readonly port: number;
  readonly path: string;
  /** One a connection. */
  readonly tokens: readonly string[];
  /** Bodies of each connection, in their order. */
  readonly bodies: readonly (readonly string[])[];
  /** What every answer has to contain. */
  readonly expected: string;
}

export interface Delivered {
  readonly ms: number;
  /** ms of each request. */
  readonly latencies: readonly number[];
}

/** Sends every connection's requests one after another, all connections at once, and waits for each answer. */
async function deliver(order: Order): Promise<Delivered> {
  const connections = await Promise.all(order.tokens.map(() => open(order.port)));
  const latencies: number[] = [];
  const began = performance.now();
  await Promise.all(
    connections.map(async (connection, number) => {
      for (const body of order.bodies[number] ?? []) {
        const asked = performance.now();
        const answer = await connection.ask(requestOf(order, order.tokens[number] ?? '', body));
        latencies.push(performance.now() - asked);
        if (!answer.startsWith('HTTP/1.1 200 ') || !answer.includes(order.expected))
          throw new Error(`expected \`${order.expected}\` with status 200, came \`${answer.slice(0, 600)}\``);
      }
    }),
  );
  const ms = performance.now() - began;
  for (const { socket } of connections) socket.destroy();
  return { ms, latencies };
}

function requestOf({ path }: Order, token: string, body: string): string {
  const head = `POST ${path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${token}\r\n`;
  return `${head}content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

interface Connection {
  readonly socket: Socket;
  ask(request: string): Promise<string>;
}

function open(port: number): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let received = '';
    let answered: (answer: string) => void = () => undefined;
    socket.setNoDelay(true);
    socket.setEncoding('latin1');
    socket.on('error', reject);
    socket.on('data', (chunk: string) => {
      received += chunk;
      const end = received.indexOf('\r\n\r\n');
      const length = Number(/content-length: (\d+)/i.exec(received)?.[1]);
      if (end < 0 || received.length < end + 4 + length) return;
      const answer = received;
      received = '';
      answered(answer);
    });
    const ask = (request: string) =>
      new Promise<string>((done) => {
        answered = done;
        socket.write(request);
      });
    socket.on('connect', () => resolve({ socket, ask }));
  });
}

process.on('message', (order: Order) => {
  deliver(order).then(
    (delivered) => process.send?.(delivered),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
