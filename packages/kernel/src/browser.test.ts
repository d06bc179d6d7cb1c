import { createContext, runInContext } from 'node:vm';
import { build } from 'esbuild';
import { describe, expect, test } from 'vitest';
import { newKey, nodeCrypto } from '../test/node-crypto.ts';
import type * as Kernel from './index.ts';
import { formatCheckpoint, noteVerifier, signNote, treeRoot, utf8 } from './index.ts';

// SHA-256 (FIPS 180-4) without any library, as source text: it has to run inside the bare context.
const PURE_SHA256 = `
const primes = [];
for (let n = 2; primes.length < 64; n++) if (primes.every((p) => n % p)) primes.push(n);
const fraction = (x) => ((x - Math.floor(x)) * 2 ** 32) | 0;
const K = primes.map((p) => fraction(Math.cbrt(p)));
const START = primes.slice(0, 8).map((p) => fraction(Math.sqrt(p)));
const rotate = (x, n) => (x >>> n) | (x << (32 - n));
function sha256(data) {
  const length = Math.ceil((data.length + 9) / 64) * 64;
  const padded = new Uint8Array(length);
  padded.set(data);
  padded[data.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(length - 4, data.length * 8);
  const state = START.slice();
  const w = new Int32Array(64);
  for (let block = 0; block < length; block += 64) {
    for (let i = 0; i < 64; i++) {
      if (i < 16) { w[i] = view.getInt32(block + 4 * i); continue; }
      const a = w[i - 15], b = w[i - 2];
      w[i] = w[i - 16] + w[i - 7] + (rotate(a, 7) ^ rotate(a, 18) ^ (a >>> 3)) + (rotate(b, 17) ^ rotate(b, 19) ^ (b >>> 10));
    }
    let [a, b, c, d, e, f, g, h] = state;
    for (let i = 0; i < 64; i++) {
      const t1 = (h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) + K[i] + w[i]) | 0;
      const t2 = ((rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + t1) | 0, c, b, a, (t1 + t2) | 0];
    }
    [a, b, c, d, e, f, g, h].forEach((x, i) => { state[i] = (state[i] + x) | 0; });
  }
  const out = new Uint8Array(32);
  state.forEach((x, i) => new DataView(out.buffer).setInt32(4 * i, x));
  return out;
}`;

async function kernelInBareContext(globals: Record<string, unknown>) {
  const entry = new URL('./index.ts', import.meta.url).pathname;
  const bundle = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    metafile: true,
    platform: 'browser',
    format: 'iife',
    globalName: 'kernel',
    logLevel: 'silent',
  });
  const context = createContext(globals);
  runInContext(`${bundle.outputFiles[0]?.text}\n${PURE_SHA256}`, context);
  const inputs = Object.keys(bundle.metafile.inputs);
  return { run: <T>(code: string) => runInContext(code, context) as T, inputs };
}

describe('in a browser', () => {
  for (const [name, globals] of [
    ['with nothing but ECMAScript', {}],
    ['with the platform text coders', { TextEncoder, TextDecoder }],
  ] as const) {
    test(`the kernel runs ${name}`, async () => {
      const key = newKey();
      const verifier = noteVerifier(nodeCrypto, 'log.example', key.publicKey);
      const leaves = Array.from({ length: 9 }, (_, i) => nodeCrypto.sha256(utf8(`${i}`)));
      const root = treeRoot(nodeCrypto, leaves);
      const text = formatCheckpoint({ origin: 'log.example', size: 9, root, extensions: [] });
      const note = signNote(text, [{ name: verifier.name, keyHash: verifier.keyHash, sign: key.sign }]);

      const { run, inputs } = await kernelInBareContext({
        ...globals,
        note,
        publicKey: key.publicKey,
        verifyEd25519: nodeCrypto.verifyEd25519,
      });
      expect(inputs.every((path) => path.includes('kernel/src/') && !path.includes('node_modules'))).toBe(
        true,
      );
      const sum = run<string>(`
        const crypto = { sha256, verifyEd25519 };
        const text = '{"b":"' + 'é€'.repeat(40) + '","a":[1.50,12345678901234567890]}';
        kernel.digestJson(crypto, kernel.parseJsonBytes(kernel.utf8(text)));`);
      const canonical = `{"a":[1.5,12345678901234567890],"b":"${'é€'.repeat(40)}"}`;
      expect(sum).toBe(Buffer.from(nodeCrypto.sha256(Buffer.from(canonical))).toString('hex'));

      const opened = run<{ size: number; same: boolean; code: string }>(`
        const verifier = kernel.noteVerifier(crypto, 'log.example', publicKey);
        const checkpoint = kernel.parseCheckpoint(kernel.openNote(crypto, note, [verifier]).text);
        const leaves = Array.from({ length: 9 }, (_, i) => sha256(kernel.utf8('' + i)));
        let code;
        try { kernel.openNote(crypto, note.replace('9', '8'), [verifier]); } catch (error) { code = error.code; }
        ({ size: checkpoint.size, same: kernel.equalBytes(checkpoint.root, kernel.treeRoot(crypto, leaves)), code });`);
      expect(opened).toEqual({ size: 9, same: true, code: 'NOTE_BAD_SIGNATURE' });
    });
  }

  test('every export of the index is there', async () => {
    const { run } = await kernelInBareContext({});
    const names: readonly string[] = run('Object.keys(kernel)');
    const kernel: typeof Kernel = await import('./index.ts');
    expect([...names].sort()).toEqual(Object.keys(kernel).sort());
  });
});
