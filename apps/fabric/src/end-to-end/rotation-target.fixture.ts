// Test code only: a target of rotations over HTTP, which knows which values it was given and which it was told to take.
import { generateKeyPairSync } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { openSealedValue, type SecretValue } from '@provability-fabric/secrets';

export interface RotationTarget {
  /** Options of the rotator `webhook`. */
  readonly options: { readonly url: string; readonly publicKey: string };
  /** The messages that came, by kind and step, repeats too. */
  readonly told: readonly string[];
  /** Of each rotation the value that was made for it; a repeat has to bring the same. */
  readonly provisioned: ReadonlyMap<string, SecretValue>;
  readonly promoted: ReadonlySet<string>;
  /** Answers nobody from now on; gives back how to go on. */
  hang(): () => void;
  close(): Promise<void>;
}

export async function startRotationTarget(): Promise<RotationTarget> {
  const { publicKey, privateKey } = generateKeyPairSync('x25519');
  const told: string[] = [];
  const provisioned = new Map<string, SecretValue>();
  const promoted = new Set<string>();
  let turn = Promise.resolve();

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { type, step, rotation, sealed } = JSON.parse(await text(request)) as Record<string, string>;
    told.push(`${type} ${step}`);
    await turn;
    if (type === 'provision') {
      const { value, proof } = openSealedValue(`${sealed}`, privateKey, `${request.headers['webhook-id']}`);
      provisioned.set(`${rotation}`, value);
      response.end(JSON.stringify({ proof }));
      return;
    }
    if (type === 'promote') promoted.add(`${rotation}`);
    response.writeHead(204).end();
  }

  const server = createServer((request, response) => {
    void serve(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
  return {
    options: {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks/`,
      publicKey: raw.toString('base64url'),
    },
    told,
    provisioned,
    promoted,
    hang() {
      let go: () => void = () => undefined;
      turn = new Promise((resolve) => {
        go = resolve;
      });
      return () => go();
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
