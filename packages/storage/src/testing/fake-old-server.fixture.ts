// Speaks just enough of PostgreSQL's protocol to say how old it is: an old server is in no package registry.
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';

/** Listens in that folder; answers its URL. */
export async function startOldServer(
  folder: string,
  version: string,
): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    let greeted = false;
    socket.on('data', (bytes) => {
      if (!greeted) {
        greeted = true;
        socket.write(Buffer.concat([message('R', int32(0)), READY]));
        return;
      }
      const text = bytes.toString('latin1');
      const rows = text.includes('server_version_num') ? [columns('version'), row(version)] : [];
      if (text.startsWith('Q'))
        socket.write(Buffer.concat([...rows, message('C', cString('SELECT 1')), READY]));
      else if (text.startsWith('P'))
        socket.write(
          Buffer.concat([message('1'), message('2'), message('n'), message('C', cString('SELECT 1')), READY]),
        );
    });
  });
  await new Promise<void>((resolve) => server.listen(join(folder, '.s.PGSQL.5432'), resolve));
  return {
    url: `postgresql://fabric:secret@localhost/fabric?host=${encodeURIComponent(folder)}`,
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const READY = message('Z', Buffer.from('I'));

function message(type: string, body: Buffer = Buffer.alloc(0)): Buffer {
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body]);
}

function columns(name: string): Buffer {
  const text = 25;
  return message(
    'T',
    Buffer.concat([int16(1), cString(name), int32(0), int16(0), int32(text), int16(-1), int32(-1), int16(0)]),
  );
}

function row(value: string): Buffer {
  return message('D', Buffer.concat([int16(1), int32(value.length), Buffer.from(value)]));
}

function cString(text: string): Buffer {
  return Buffer.from(`${text}\0`);
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}
