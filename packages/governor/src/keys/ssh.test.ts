import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { concatBytes, utf8 } from '@provability-fabric/kernel';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { boundManifest, crypto, jsonOf, ringOf, testKey } from '../gate/gate.fixture.ts';
import { signManifest } from '../gate/sign-manifest.ts';
import { verifyEnvelope } from '../gate/verify-envelope.ts';
import { fakeKmsKey } from './fake-kms-key.fixture.ts';
import { kmsSigner } from './kms-signer.ts';
import { parsePublicKeyText } from './public-key-text.ts';
import { askAgent } from './ssh-agent/agent-exchange.ts';
import { listSshAgentKeys, sshAgentSigner } from './ssh-agent/ssh-agent-signer.ts';
import { sshSignature } from './ssh-signature.ts';
import { fromSshPublicKey, fromSshSignature, sshPublicKey, sshString, sshUint32 } from './ssh-wire.ts';

const hasTools = ['ssh-agent', 'ssh-add', 'ssh-keygen'].every(
  (tool) => spawnSync(tool, ['-?']).error === undefined,
);
const skipped = !hasTools && process.env.CI !== 'true';
const code = (code: string) => expect.objectContaining({ code });
const message = utf8('message');

let folder = '';
let agent: ChildProcess | undefined;
const socketPath = () => join(folder, 'agent');
const run = (tool: string, args: readonly string[], input?: string | Uint8Array) =>
  spawnSync(tool, args, {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, SSH_AUTH_SOCK: socketPath() },
    ...(input === undefined ? {} : { input }),
  });
const keygen = (name: string, ...type: readonly string[]) =>
  run('ssh-keygen', ['-q', '-N', '', '-C', `${name}@example.com`, '-f', join(folder, name), ...type]);
const publicText = (name: string) => readFile(join(folder, `${name}.pub`), 'utf8');
const publicKey = async (name: string) => parsePublicKeyText(await publicText(name));

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'governor-ssh-'));
  if (skipped) return;
  keygen('ann', '-t', 'ed25519');
  keygen('away', '-t', 'ed25519');
  keygen('curve', '-t', 'ecdsa');
  agent = spawn('ssh-agent', ['-D', '-a', socketPath()], { stdio: ['ignore', 'pipe', 'ignore'] });
  await once(agent.stdout as NonNullable<typeof agent.stdout>, 'data');
  for (const name of ['curve', 'ann']) run('ssh-add', ['-q', join(folder, name)]);
});
afterAll(async () => {
  if (agent !== undefined && agent.exitCode === null) {
    agent.kill();
    await once(agent, 'exit');
  }
  await rm(folder, { recursive: true, force: true });
});

describe.skipIf(skipped)('an SSH agent (skipped where OpenSSH is not installed)', () => {
  it('signs a manifest with a key that never leaves it', async () => {
    const entry = testKey('ann', { publicKey: await publicKey('ann') });
    const signer = await sshAgentSigner(socketPath(), entry.entry);
    const envelope = await signManifest(boundManifest(), [signer]);
    const verified = verifyEnvelope({ crypto, ring: ringOf(entry) }, jsonOf(envelope));
    expect(verified.signers).toEqual([{ keyId: 'ann', role: 'human' }]);
  });

  it('shows its Ed25519 keys and no others', async () => {
    expect(await listSshAgentKeys(socketPath())).toEqual([await publicKey('ann')]);
  });

  it('that lacks the key, is locked or is gone signs nothing', async () => {
    const away = { keyId: 'away', publicKey: await publicKey('away') };
    await expect(sshAgentSigner(socketPath(), away)).rejects.toEqual(code('KEY_UNKNOWN'));
    const signer = await sshAgentSigner(socketPath(), { keyId: 'ann', publicKey: await publicKey('ann') });
    run('ssh-add', ['-q', '-d', join(folder, 'ann')]);
    await expect(signer.sign(message)).rejects.toEqual(code('KEY_UNKNOWN'));
    run('ssh-add', ['-q', join(folder, 'ann')]);
    expect(await signer.sign(message)).toHaveLength(64);
    await expect(listSshAgentKeys(join(folder, 'nobody'))).rejects.toEqual(code('KEY_UNKNOWN'));
  });
});

describe.skipIf(skipped)('an SSH signature (skipped where OpenSSH is not installed)', () => {
  const verifies = async (armored: string, namespace: string, content: Uint8Array) => {
    await writeFile(join(folder, 'signature'), armored);
    await writeFile(join(folder, 'allowed'), `ann@example.com ${await publicText('ann')}`);
    const files = ['-f', join(folder, 'allowed'), '-s', join(folder, 'signature')];
    return (
      run('ssh-keygen', ['-Y', 'verify', '-I', 'ann@example.com', '-n', namespace, ...files], content)
        .status === 0
    );
  };

  it('holds for OpenSSH, for its message and its namespace alone', async () => {
    const signer = await sshAgentSigner(socketPath(), { keyId: 'ann', publicKey: await publicKey('ann') });
    const armored = await sshSignature('git', signer, message);
    expect(await verifies(armored, 'git', message)).toBe(true);
    expect(await verifies(armored, 'file', message)).toBe(false);
    expect(await verifies(armored, 'git', utf8('another'))).toBe(false);
    const stranger = await sshSignature('git', testKey('stranger').signer, message);
    expect(await verifies(stranger, 'git', message)).toBe(false);
  });

  it('has the bytes that OpenSSH itself makes', async () => {
    const signer = await sshAgentSigner(socketPath(), { keyId: 'ann', publicKey: await publicKey('ann') });
    const theirs = run('ssh-keygen', ['-Y', 'sign', '-n', 'git', '-f', join(folder, 'ann')], 'message');
    expect(await sshSignature('git', signer, message)).toBe(theirs.stdout);
  });
});

describe('what only says that it is an SSH agent', () => {
  /** Answers every request with these bytes, or with none at all. */
  const answering = async (answer: Uint8Array | undefined) => {
    const path = join(folder, `fake-${Math.floor(performance.now() * 1000)}`);
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => answer !== undefined && socket.end(answer));
    });
    await new Promise<void>((resolve) => server.listen(path, resolve));
    onTestFinished(() => void server.close());
    return path;
  };
  const framed = (...parts: readonly Uint8Array[]) => {
    const body = concatBytes(...parts);
    return concatBytes(sshUint32(body.length), body);
  };
  const { entry } = testKey('ann');
  const blob = sshPublicKey(entry.publicKey);

  it.each([
    ['a length and no end', concatBytes(sshUint32(100), Uint8Array.of(12)), 'KEY_UNKNOWN'],
    ['nothing', new Uint8Array(0), 'KEY_UNKNOWN'],
    ['a refusal', framed(Uint8Array.of(5)), 'KEY_UNKNOWN'],
    ['a gigabyte', sshUint32(1 << 30), 'KEY_INVALID'],
    ['an empty message', sshUint32(0), 'KEY_INVALID'],
    [
      'more than it said',
      concatBytes(framed(Uint8Array.of(12), sshUint32(0)), Uint8Array.of(1)),
      'KEY_INVALID',
    ],
    ['a page of the web', utf8('HTTP/1.1 400 Bad Request\r\n\r\n'), 'KEY_INVALID'],
    ['another message', framed(Uint8Array.of(14), sshUint32(0)), 'KEY_INVALID'],
    ['four billion keys', framed(Uint8Array.of(12), sshUint32(0xffffffff)), 'KEY_INVALID'],
    [
      'a key longer than the answer',
      framed(Uint8Array.of(12), sshUint32(1), sshUint32(1 << 20)),
      'KEY_INVALID',
    ],
    [
      'half a key',
      framed(Uint8Array.of(12), sshUint32(1), sshString(blob.subarray(0, 20)), sshString('')),
      'KEY_INVALID',
    ],
    ['a key more than it counted', framed(Uint8Array.of(12), sshUint32(0), sshString(blob)), 'KEY_INVALID'],
    ['other keys', framed(Uint8Array.of(12), sshUint32(0)), 'KEY_UNKNOWN'],
  ])('and answers %s is refused', async (_, answer, expected) => {
    await expect(sshAgentSigner(await answering(answer), entry)).rejects.toEqual(code(expected));
  });

  it('and is silent is not waited for without end', async () => {
    await expect(askAgent(await answering(undefined), Uint8Array.of(11), 50)).rejects.toEqual(
      code('KEY_UNKNOWN'),
    );
  });

  it('makes no other error out of any bytes', () => {
    const read = (parse: (bytes: Uint8Array) => unknown, bytes: Uint8Array) => {
      try {
        parse(bytes);
      } catch (error) {
        expect(error).toEqual(code('KEY_INVALID'));
      }
    };
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.nat({ max: blob.length - 1 }), (bytes, cut) => {
        for (const parse of [fromSshPublicKey, fromSshSignature]) {
          read(parse, bytes);
          read(parse, concatBytes(blob.subarray(0, cut), bytes));
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe('a key management service', () => {
  it('signs with the key of the ring, and what it answers has to hold', async () => {
    const key = testKey('kms');
    const signer = await kmsSigner(fakeKmsKey(key.signer), key.entry);
    const envelope = await signManifest(boundManifest(), [signer]);
    expect(verifyEnvelope({ crypto, ring: ringOf(key) }, jsonOf(envelope)).signers).toHaveLength(1);
    const other = testKey('other');
    await expect(kmsSigner(fakeKmsKey(other.signer), key.entry)).rejects.toEqual(code('KEY_INVALID'));
    const turned = { ...fakeKmsKey(key.signer), sign: other.signer.sign };
    await expect((await kmsSigner(turned, key.entry)).sign(message)).rejects.toEqual(code('KEY_INVALID'));
    const weak = { ...fakeKmsKey(key.signer), publicKey: async () => new Uint8Array(32) };
    await expect(kmsSigner(weak, key.entry)).rejects.toEqual(code('KEY_INVALID'));
  });
});
